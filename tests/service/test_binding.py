"""Which addresses and ports a service takes, before it listens."""

import socket

import pytest

from scalereid.service.listening import Listening, bound


def test_a_port_is_taken_before_anybody_is_answered() -> None:
    with bound(Listening(port=0)) as sockets:
        (own,) = sockets
        place = own.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=5)
        own.listen()
        with (
            pytest.raises(OSError, match=f"^port {place[1]} of 127.0.0.1 is in use; choose another one"),
            bound(Listening(port=place[1])),
        ):
            pass
    with bound(Listening(port=place[1])) as again:
        assert again[0].getsockname() == place


def test_hosts_that_cannot_be_listened_at() -> None:
    with pytest.raises(OSError, match="^port 8000 of 192.0.2.1 cannot be listened at: "), bound(Listening("192.0.2.1")):
        pass
    for host in ("a host", "x" * 100):
        with pytest.raises(OSError, match=f"^{host} is no host with an address"), bound(Listening(host)):
            pass


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_ports_are_in_range(port: int) -> None:
    with pytest.raises(ValueError, match=f"the port is {port}; expected a number from 0 to 65535"):
        Listening(port=port)
