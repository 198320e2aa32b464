"""Talking to a Kubernetes API server: credentials, transport, reflectors and what they know."""
