"""Why something cannot be run here."""


class StandinError(Exception):
    """The stand-in itself cannot go on."""


class NotYetError(Exception):
    """A Pod cannot be started as things are: `reason` is the kubelet's word for it, the text says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
