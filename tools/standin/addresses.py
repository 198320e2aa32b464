"""A loopback address for every Pod, from the plane's own part of 127.0.0.0/8.

The lower half of the plane's /24 are its Services (`Layout.service_range`), the upper half its Pods.
"""

import threading
from collections import deque

from tools.standin.errors import StandinError


class Addresses:
    """The one longest out of use is given next, so that nobody meets a predecessor's connections."""

    def __init__(self, apiserver_port: int) -> None:
        high, low = divmod(apiserver_port, 256)
        self._free = deque(f"127.{high}.{low}.{last}" for last in range(128, 255))
        self._lock = threading.Lock()

    def take(self, wanted: str = "") -> str:
        """`wanted` if it is free: a Pod that is found again keeps its address."""
        with self._lock:
            if wanted in self._free:
                self._free.remove(wanted)
                return wanted
            if not self._free:
                raise StandinError("no address is left for another Pod: a stand-in runs at most 127")
            return self._free.popleft()

    def give_back(self, address: str) -> None:
        with self._lock:
            self._free.append(address)
