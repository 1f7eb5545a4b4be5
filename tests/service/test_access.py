from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from scalereid.gallery.gallery import Gallery
from scalereid.service.access import is_loopback, read_tokens
from scalereid.service.app import create_app
from tests.service.conftest import TOKEN


@pytest.fixture
def guarded(gallery: Gallery) -> TestClient:
    return TestClient(create_app(gallery, tokens={"anna": TOKEN}, hosts=frozenset()), base_url="http://cameras.example")


def test_only_those_with_a_token_may_ask(guarded: TestClient) -> None:
    assert guarded.get("/api/health").status_code == 200
    for path in ("/api/stats", "/api/metrics", "/api/openapi.json", "/api/sightings/1/picture", "/api/nowhere"):
        refused = guarded.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["www-authenticate"] == "Bearer"
        assert "Authorization: Bearer TOKEN" in refused.json()["error"]
    for wrong in (f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer ümlaut".encode("latin-1")):
        assert guarded.get("/api/stats", headers={"authorization": wrong}).status_code == 401
    right = {"authorization": f"Bearer {TOKEN}", "x-by": "somebody else"}
    assert guarded.get("/api/stats", headers=right).status_code == 200
    said = guarded.post("/api/events", json={"kind": "enrol", "sightings": [1]}, headers=right)
    assert said.json()["by"] == "anna"  # whose the token is, whatever is claimed


def test_other_sites_cannot_ask(client: TestClient, gallery: Gallery) -> None:
    body = {"kind": "enrol", "sightings": [1]}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert client.post("/api/events", json=body, headers=headers).status_code == 403
    assert client.get("/api/stats", headers={"host": "evil.example"}).status_code == 421
    assert gallery.history.events() == []
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin", "host": "localhost:8000"}
    assert client.post("/api/events", json=body, headers=own).status_code == 201


def test_names_that_are_none_are_refused(client: TestClient, guarded: TestClient) -> None:
    for host in ("[::1", "[", "]", ""):
        assert client.get("/api/stats", headers={"host": host}).status_code == 421
        assert guarded.get("/api/stats", headers={"host": host}).status_code == 401
    for origin in ("http://[", "http://[::1", "", "localhost", "file://"):
        assert client.post("/api/events", json={}, headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://127.0.0.1:8123", "127.0.0.1:8123", 422),
        ("http://127.0.0.1:9999", "127.0.0.1:8123", 403),
        ("http://127.0.0.1", "127.0.0.1:8123", 403),
        ("http://localhost", "LOCALHOST:80", 422),
        ("http://localhost:80", "localhost", 422),
        ("https://localhost", "localhost:443", 422),  # a proxy before it has the certificate
        ("https://localhost", "localhost:80", 403),
        ("http://[::1]:8123", "[::1]:8123", 422),
    ],
)
def test_another_port_is_another_site(client: TestClient, origin: str, host: str, status: int) -> None:
    assert client.post("/api/events", json={}, headers={"origin": origin, "host": host}).status_code == status


@pytest.mark.parametrize("name", ["Cameras.Example", "cameras.example"])
def test_names_of_hosts_are_the_same_in_capitals(gallery: Gallery, name: str) -> None:
    app = create_app(gallery, tokens={"anna": TOKEN}, hosts=frozenset({name}))
    for asked in ("cameras.example", "CAMERAS.example:8000"):
        assert TestClient(app, base_url="http://x").get("/api/health", headers={"host": asked}).status_code == 200
    assert TestClient(app, base_url="http://x").get("/api/health").status_code == 421


def test_tokens_are_read(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# who may ask\n\n  # Anna's\n  anna {'a' * 16}\n")
    file.chmod(0o600)
    assert read_tokens(file) == {"anna": "a" * 16}
    file.write_text(f"anna {'a' * 16}\nbert {'ü' * 16}\n", "utf-8")
    with pytest.raises(ValueError, match="line 2: the token is not in ASCII") as error:
        read_tokens(file)
    assert "ü" not in str(error.value)
    file.write_text(f"anna {'a' * 16}\n", "utf-8-sig")  # as editors of Windows write it
    assert read_tokens(file) == {"anna": "a" * 16}
    file.write_bytes(b"anna \xff")
    with pytest.raises(ValueError, match="tokens is not text in UTF-8: invalid start byte at byte 5"):
        read_tokens(file)


def test_a_service_for_others_needs_tokens(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="other machines may ask only with a token"):
        create_app(gallery, hosts=frozenset({"localhost", "cameras.example"}))
    with pytest.raises(ValueError, match="other machines may ask only with a token"):
        create_app(gallery, hosts=frozenset())
    app = create_app(gallery, hosts=frozenset({"127.0.0.2"}))  # one of this machine's own
    assert TestClient(app, base_url="http://127.0.0.2").get("/api/stats").status_code == 200
    with pytest.raises(ValueError, match="token of anna is shorter than 16 characters"):
        create_app(gallery, tokens={"anna": "short"})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("example.org", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_what_is_answered_keeps_other_sites_out(client: TestClient) -> None:
    for answer in (
        client.get("/api/health"),
        client.get("/api/nowhere"),
        client.get("/api/stats", headers={"host": "x"}),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
    for path in ("/api/../../etc/passwd", "/etc/passwd", "/api/sightings/..%2f..%2fledger.sqlite/picture", "/docs"):
        assert client.get(path).status_code in (404, 422)
