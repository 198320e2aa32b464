"""Stands in for a node: binds Pods, runs their containers as processes in boxes, and balances Services.

Everything else is real: the API server, and the controllers that turn Deployments into Pods.
"""
