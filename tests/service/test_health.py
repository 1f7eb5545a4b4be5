import json
import logging

import pytest
from fastapi.testclient import TestClient

from scalereid import __version__
from scalereid.gallery.gallery import Gallery
from scalereid.service.app import create_app
from tests.service.conftest import TOKEN


def test_it_says_how_it_is(client: TestClient, gallery: Gallery) -> None:
    assert client.get("/api/health").json() == {"status": "alive", "version": __version__}
    assert client.get("/api/ready").json() == {"status": "ready", "sightings": gallery.ledger.count()}
    assert client.get("/api/stats").json()["sightings"] == gallery.ledger.count()


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/ready"])
def test_only_the_head_may_be_asked_for(client: TestClient, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers
    assert "head" not in client.get("/api/openapi.json").json()["paths"].get(path, {})


def test_requests_are_counted_by_route(client: TestClient) -> None:
    for number in (1, 2, 999):
        client.get(f"/api/sightings/{number}")
    client.get("/somewhere/else")
    client.request("BREW", "/api/health")
    text = client.get("/api/metrics").text
    assert 'scalereid_requests_total{method="GET",route="/api/sightings/{number}",status="200"} 2.0' in text
    assert 'scalereid_requests_total{method="GET",route="/api/sightings/{number}",status="404"} 1.0' in text
    assert 'scalereid_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert 'method="other"' in text and "BREW" not in text and "somewhere" not in text
    assert 'scalereid_request_seconds_count{method="GET",route="/api/sightings/{number}"} 3.0' in text


def test_each_request_is_one_line_without_secrets(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_app(gallery, tokens={"anna": TOKEN}), base_url="http://localhost")
    with caplog.at_level(logging.INFO, "scalereid.service"):
        client.get("/api/sightings/1?secret=x", headers={"authorization": f"Bearer {TOKEN}"})
        client.get("/api/sightings/1", headers={"authorization": "Bearer wrong-but-secret"})
    first, second = (json.loads(record.message) for record in caplog.records if record.name == "scalereid.service")
    assert (first["method"], first["route"], first["status"], first["by"]) == (
        "GET",
        "/api/sightings/{number}",
        200,
        "anna",
    )
    assert (second["status"], second["by"]) == (401, "")
    assert not any(word in caplog.text for word in (TOKEN, "secret"))
