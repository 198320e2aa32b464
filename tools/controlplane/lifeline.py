"""Ties a command's life to ours: the kernel kills it when this process dies, however it dies.

The request (PR_SET_PDEATHSIG) must be made inside the child. A small Python makes it and then turns
into the command, which is safe in a process with threads; a `preexec_fn` is not. The kernel watches
the *thread* that forked, so the fork must come from one that lasts as long as the process.
"""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

# The check of the parent closes the gap between the fork and the request.
_CODE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the starting process is gone")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"cannot execute {sys.argv[2]}: {error.strerror}")
"""

_Order = tuple["Future[subprocess.Popen[bytes]]", list[str], dict[str, Any]]


def tied(argv: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _CODE, str(os.getpid()), *argv]


def popen(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` of the tied command, forked by a thread that lasts."""
    command = tied(argv)
    if threading.current_thread() is threading.main_thread():
        return subprocess.Popen(command, **options)
    answer: Future[subprocess.Popen[bytes]] = Future()
    _forker(os.getpid()).put((answer, command, options))
    return answer.result()


@functools.cache
def _forker(_: int) -> SimpleQueue[_Order]:
    """One per process id: a forked copy of this process has lost its thread."""
    orders: SimpleQueue[_Order] = SimpleQueue()
    threading.Thread(target=_fork_orders, args=(orders,), name="forker", daemon=True).start()
    return orders


def _fork_orders(orders: SimpleQueue[_Order]) -> None:
    while True:
        answer, command, options = orders.get()
        try:
            child: subprocess.Popen[Any] = subprocess.Popen(command, **options)
            answer.set_result(child)
        except Exception as error:
            answer.set_exception(error)
