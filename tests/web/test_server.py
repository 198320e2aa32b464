"""A port that is taken is known at once, in words that help."""

import re
import socket

import pytest
from starlette.applications import Starlette

from webhook.web import api
from webhook.web.server import GRACE_SECONDS, Listener, ListenError


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = (
            f"cannot listen on 127.0.0.1:{port}: Address already in use; "
            "another program has the port; choose another with --api-listen"
        )
        with pytest.raises(ListenError, match=f"^{re.escape(text)}$"):
            Listener(Starlette(), "127.0.0.1", port, flag="--api-listen")


def test_the_port_is_known_at_once_also_where_the_system_chooses_it() -> None:
    listener = Listener(Starlette(), "127.0.0.1", 0, flag="--api-listen")
    try:
        assert listener.port > 0
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10):
            pass
    finally:
        listener._socket.close()


def test_a_request_in_hand_is_answered_before_its_listener_gives_up() -> None:
    assert api.WAIT_SECONDS == 8
    assert api.WAIT_SECONDS < GRACE_SECONDS


def test_a_host_that_is_none() -> None:
    with pytest.raises(ListenError) as refused:
        Listener(Starlette(), "256.1.1.1", 0, flag="--api-listen")
    assert "Unknown error" not in str(refused.value)
