"""Kubernetes namespaces that arrive with their guardrails on."""

__version__ = "0.1.0"
