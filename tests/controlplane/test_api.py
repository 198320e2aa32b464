"""The harness's own requests."""

import contextlib
import gc
import socket
import struct
import threading

from tools.controlplane import api

RESET = struct.pack("ii", 1, 0)  # linger for no time: close() sends a reset
TRIES = 1500  # about one in a thousand falls between connect and handshake


def test_a_server_that_resets_connections_is_no_answer_and_leaves_no_warning() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_reset_all, args=(server,), daemon=True).start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        assert {api.get_insecure(url).status for _ in range(TRIES)} == {0}
    gc.collect()


def _reset_all(server: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed at the end of the test
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
