"""A service as it runs, and clients that mean no good."""

import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from scalereid.gallery.gallery import Gallery
from scalereid.service.listening import Listening
from tests.gallery.test_gallery import TORCH
from tests.service.conftest import TOKEN
from tests.service.served import Served

SECONDS = 1.5  # for a request to arrive
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service for this machine alone, whose patience is short."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(filled, folder / "people.gallery")
    limits = "--allow-seconds", str(SECONDS), "--allow-body", "1", "--allow-rate", "10000"
    with Served(folder / "people.gallery", folder, *limits) as found:
        yield found


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


POST = "POST /api/search HTTP/1.1", "Host: localhost", "Content-Type: multipart/form-data; boundary=x"


def drawn(number: int, size: tuple[int, int] = (32, 64)) -> bytes:
    """A picture of noise, and another one for each number."""
    content = BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)).save(content, "PNG")
    return content.getvalue()


def test_slow_requests_are_refused_and_hold_nobody_up(served: Served) -> None:
    started = time.monotonic()
    slow = head(*POST, "Content-Length: 1000"), b"-", 0.5, b"-", 0.5, b"x", 0.5, b"\r", 0.5
    assert served.raw(*slow).startswith(b"HTTP/1.1 408 ")
    assert served.raw(b"GET /api/health HTTP/1.1\r\nHost: local", 0.5, b"host\r\nX: ", 0.5, b"y", 0.5, b"z", 0.5) == b""
    assert served.raw(b"") == b""
    assert time.monotonic() - started < 10
    assert served.client.get("/api/ready").status_code == 200


def test_large_requests_are_refused_as_they_come(served: Served) -> None:
    declared = served.raw(head(*POST, "Content-Length: 2000000"))
    assert declared.startswith(b"HTTP/1.1 413 ") and b"has more than 1 MiB" in declared
    chunk = b"10000\r\n" + bytes(65_536) + b"\r\n"
    chunked = head(*POST, "Transfer-Encoding: chunked")
    assert served.raw(chunked, *[chunk] * 4).startswith(
        b"HTTP/1.1 400 "
    )  # no form; that its end is missing holds nobody up
    sent = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
    first = f"{len(sent):x}".encode() + b"\r\n" + sent + b"\r\n"
    assert served.raw(chunked, first, *[chunk] * 20).startswith(b"HTTP/1.1 413 ")
    for wrong in ("-1", "1e3", "99999999999999999999999", "1\r\nContent-Length: 2", "1\r\nTransfer-Encoding: chunked"):
        answer = served.raw(head(*POST, f"Content-Length: {wrong}", "Connection: close"), wait=5)
        assert re.match(rb"HTTP/1.1 4(00|08|13) ", answer) or answer == b"", wrong


def test_paths_lead_nowhere_else(served: Served) -> None:
    for path in (
        "/api/../../../etc/passwd",
        "/api/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/api/sightings/..%2f..%2fledger.sqlite/picture",
        "/api/sightings/1%00/picture",
        "/api/sightings/%ff%fe/picture",
        "/\\..\\ledger.sqlite",
        "http://evil.example/api/stats",
        "/api/" + "a/" * 5_000,
    ):
        answer = served.raw(head(f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"))
        assert re.match(rb"HTTP/1.1 (40[04]|422) ", answer), path
        assert b"SQLite" not in answer and b"root:" not in answer
    for request in (
        "CONNECT localhost:80 HTTP/1.1",
        "TRACE /api/stats HTTP/1.1",
        "\0\1\2",
        "PRI * HTTP/2.0",
    ):
        assert re.match(
            rb"HTTP/1.1 (40[045]|505) ", served.raw(head(request, "Host: localhost", "Connection: close"))
        ), request


def test_pages_of_others_are_refused(served: Served) -> None:
    def ask(**headers: str) -> int:
        return served.client.post(
            "/api/undo", headers={name.replace("_", "-"): each for name, each in headers.items()}
        ).status_code

    assert ask(origin="http://evil.example") == ask(origin="null") == ask(sec_fetch_site="cross-site") == 403
    assert ask(origin="http://localhost.evil.example") == ask(origin="http://evil.example#@127.0.0.1") == 403
    assert (
        ask(host="evil.example")
        == ask(host="127.0.0.1.evil.example")
        == ask(host="")
        == ask(host="127.0.0.1@evil.example")
        == 421
    )
    assert ask() == ask(origin=f"http://127.0.0.1:{served.port}") == 409  # there is nothing to undo
    assert served.raw(head("GET /api/stats HTTP/1.0", "Connection: close")).startswith(b"HTTP/1.1 421 ")


def test_idle_connections_starve_nobody(served: Served) -> None:
    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(400)]
    with pytest.raises(httpx.TransportError):  # of this client, that are more than it may have
        httpx.get(f"http://127.0.0.1:{served.port}/api/health", trust_env=False)
    with socket.create_connection(("127.0.0.1", served.port), source_address=("127.0.0.2", 0)) as other:
        other.sendall(head("GET /api/health HTTP/1.1", "Host: localhost", "Connection: close"))
        assert other.recv(1000).startswith(b"HTTP/1.1 200 ")
    time.sleep(SECONDS + 0.5)
    for each in idle:
        each.settimeout(5)
        with suppress(ConnectionResetError):
            assert each.recv(1) == b""
        each.close()
    served.client.close()
    served.client = httpx.Client(base_url=f"http://127.0.0.1:{served.port}", trust_env=False)
    assert served.client.get("/api/health").status_code == 200


def test_no_log_has_a_secret(filled: Path, tmp_path: Path) -> None:
    tokens, wrong = tmp_path / "tokens", "a-token-that-is-wrong"
    tokens.write_text(f"anna {TOKEN.replace(' ', '-')}\n")
    tokens.chmod(0o600)
    secret = TOKEN.replace(" ", "-")
    with Served(filled, tmp_path, "--tokens", str(tokens)) as served:
        for headers, query, status in (
            ({"authorization": f"Bearer {secret}"}, "", 200),
            ({"authorization": f"Bearer {wrong}"}, "", 401),
            ({"authorization": f"Basic {secret}", "cookie": secret}, "", 401),
            ({}, f"?token={secret}", 401),
            ({"authorization": f"Bearer {secret[:-1]}"}, f"?token={wrong}", 401),
            ({"authorization": f"Bearer {secret}x"}, "", 401),
        ):
            assert served.client.get(f"/api/stats{query}", headers=headers).status_code == status
        served.raw(head(f"GET /{secret} HTTP/9.9", f"Authorization: Bearer {secret}", "Bad Header"))
        served.raw(
            head(f"{secret} /api/stats?{secret} HTTP/1.1", "Host: localhost", f"X-By: {secret}", "Connection: close")
        )
        assert len(served.lines()) == 7
        assert not any(part in served.said() for part in (secret, secret[:-1], wrong))


def test_only_proxies_are_believed(filled: Path, tmp_path: Path) -> None:
    """Who the client is, whom the rate counts and the log names."""
    named = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    with Served(filled, tmp_path, "--allow-rate", "1") as served:
        statuses = [
            served.client.get("/api/health", headers={"x-forwarded-for": f"203.0.113.{i}"}).status_code
            for i in range(8)
        ]
        assert statuses == [200] * 5 + [429] * 3
        assert {line["client"] for line in served.lines()} == {"127.0.0.1"}
    with Served(filled, tmp_path, "--allow-rate", "1", "--proxy", "127.0.0.1", "10.0.0.0/8") as served:
        for i in range(8):
            assert served.client.get("/api/health", headers={"x-forwarded-for": f"203.0.113.{i}"}).status_code == 200
        spoofed = {"x-forwarded-for": "198.51.100.9, 203.0.113.7, 10.1.2.3"}  # what the client itself wrote comes first
        served.client.get("/api/health", headers=named | spoofed)
        assert served.lines()[-1]["client"] == "203.0.113.7"
    with pytest.raises(ValueError, match="a proxy is 'nginx'; expected its address, or a network"):
        Listening(proxies=["nginx"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_answered_before_it_ends(filled: Path, tmp_path: Path, number: int) -> None:
    shutil.copytree(filled, tmp_path / "people.gallery")
    with Served(tmp_path / "people.gallery", tmp_path) as served:
        url, answers = f"http://127.0.0.1:{served.port}", dict[str, Any]()
        many = [("pictures", (f"{i}.png", drawn(i, (600, 300)))) for i in range(12)]
        asked = {
            "search": lambda: httpx.post(f"{url}/api/search", files=many, timeout=60, trust_env=False),
            "add": lambda: httpx.post(
                f"{url}/api/sightings", files={"picture": ("x.png", drawn(0))}, data={"seen": '{"source": "x"}'}, timeout=60,
                trust_env=False,
            ),
        }  # fmt: skip
        threads = [threading.Thread(target=lambda name=name: answers.update({name: asked[name]()})) for name in asked]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 10
        while in_flight(served) < 3 and not answers:
            assert time.monotonic() < until
        served.signal(number)
        for thread in threads:
            thread.join()
        assert (answers["search"].status_code, answers["add"].status_code) == (200, 201)
        assert served.ended() == 0
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/api/health", trust_env=False)
    with Gallery(tmp_path / "people.gallery", options=TORCH) as gallery:
        assert gallery.check() == []
        assert answers["add"].json()["sighting"]["number"] in gallery.ledger.select()


def in_flight(served: Served) -> int:
    found = re.search(r"scalereid_requests_in_flight (\d+)", served.client.get("/api/metrics").text)
    assert found
    return int(found[1])


def test_a_second_signal_does_not_wait(filled: Path, tmp_path: Path) -> None:
    with Served(filled, tmp_path) as served, socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.sendall(head(*POST, "Content-Length: 1000"))
        time.sleep(0.2)
        started = time.monotonic()
        served.signal(signal.SIGTERM)
        time.sleep(0.5)
        assert served.process.is_alive()
        served.signal(signal.SIGTERM)
        assert served.ended() == 0
        assert time.monotonic() - started < 10  # of 30
