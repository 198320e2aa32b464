"""The composition root: settings in, running roles out. Everything is put together here."""

from webhook.wiring.run import serve

__all__ = ["serve"]
