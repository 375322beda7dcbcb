"""What tests of all parts share."""

import socket

import pytest


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
