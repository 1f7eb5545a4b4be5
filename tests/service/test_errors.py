import json
import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from scalereid.gallery.gallery import Gallery
from scalereid.gallery.ledger import Ledger
from scalereid.inference.embedder import Embedder
from scalereid.service.errors import mistakes


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/api/sightings/list", '{"\\ud800": 1}', 422, "unicode"),
        ("POST", "/api/sightings/list", '{"cameras": ["\\ud800"]}', 422, "unicode"),
        ("POST", "/api/sightings/list", '{"cameras": ["a\\u0000"]}', 422, "it has the character NUL"),
        ("POST", "/api/sightings/list", '{"attributes": {"a\\u0000": 0.5}}', 422, "it has the character NUL"),
        ("POST", "/api/sightings/list", '{"attributes": {"bag": NaN}}', 422, "attributes.bag"),
        ("POST", "/api/sightings/list", '{"after": "0001-01-01T00:00:00+23:59"}', 422, "the year must be from 2 to 9998"),
        ("POST", "/api/sightings/list", '{"before": 1e400}', 422, "before"),
        ("POST", "/api/sightings/list", "[" * 100_000, 400, "parsing the body"),
        ("POST", "/api/events", '{"kind": "enrol", "sightings": [' + "9" * 5_000 + "]}", 400, "parsing the body"),
        ("POST", "/api/search/embeddings", '{"embeddings": [[1e300]]}', 422, "less than or equal"),
        ("POST", "/api/search/embeddings", f'{{"embeddings": [{[0.0] * 32}]}}', 400, "an embedding has the length 0"),
        ("POST", "/api/search/embeddings", json.dumps({"embeddings": [["x"] * 99]}), 422, "; and 95 more"),
        ("GET", "/api/sightings/9223372036854775808", "", 422, "less than 9223372036854775808"),
        ("GET", "/api/identities/-1", "", 422, "greater than or equal to 0"),
        ("GET", "/api/events?last=99999999999999999999999", "", 200, ""),
        ("POST", "/api/proposals?similarity=nan", "{}", 422, "similarity"),
        ("BREW", "/api/stats", "", 405, "Method Not Allowed"),
        ("OPTIONS", "/api/stats", "", 405, "Method Not Allowed"),
        ("HEAD", "/api/stats", "", 405, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    client: TestClient, method: str, path: str, body: str, status: int, error: str
) -> None:
    answer = client.request(method, path, content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == status
    if error:
        assert error in answer.json()["error"]


def test_of_many_mistakes_a_few_are_told() -> None:
    one: dict[str, Any] = {"loc": ("body", "top"), "msg": "no number"}
    assert mistakes([one] * 2) == "body.top: no number; body.top: no number"
    assert mistakes([one] * 1_000_000) == "; ".join(["body.top: no number"] * 5) + "; and 999,995 more"


def test_a_database_that_does_not_answer_is_not_the_clients_fault(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(_: Ledger) -> int:
        raise OperationalError("SELECT secret", {"name": "Anna"}, Exception("the server has gone away"))

    monkeypatch.setattr(Ledger, "count", gone)
    with caplog.at_level(logging.WARNING, "scalereid.service"):  # whatever a library has told the root logger
        answer = client.get("/api/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {
        "error": "the gallery's database, index or model does not answer; try again, and see the service's log"
    }
    assert "the server has gone away" in caplog.text
    assert "scalereid_sightings NaN" in client.get("/api/metrics").text
    assert not any(secret in caplog.text for secret in ("SELECT", "Anna"))


def test_a_model_that_has_just_changed_is_asked_again(
    client: TestClient, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedding by the model before is not compared with those by the new one."""
    own = Gallery.embedder

    def changed(gallery: Gallery) -> Embedder:
        found = own(gallery)
        gallery.ledger.set(model=gallery.ledger.add_model("b" * 12, gallery.model.metadata))
        return found

    monkeypatch.setattr(Gallery, "embedder", changed)
    answer = client.post("/api/search", files={"pictures": ("x.jpg", picture)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("error", [ValueError("this model has the fingerprint abc"), FileNotFoundError("no model")])
def test_a_model_that_is_another_is_not_the_clients_fault(
    client: TestClient, picture: bytes, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def another(_: Gallery) -> None:
        raise error

    monkeypatch.setattr(Gallery, "embedder", another)
    assert client.get("/api/ready").status_code == 503
    assert client.post("/api/search", files={"pictures": ("x.jpg", picture)}).status_code == 503
    seen = {"seen": json.dumps({"source": "x"})}
    assert client.post("/api/sightings", files={"picture": ("x.jpg", picture)}, data=seen).status_code == 503


def test_a_failure_of_ours_is_logged_and_answered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Gallery) -> None:
        raise AssertionError("a mistake")

    monkeypatch.setattr(Gallery, "stats", broken)
    with caplog.at_level(logging.INFO, "scalereid.service"):
        answer = client.get("/api/stats")
    assert answer.status_code == 500
    assert answer.json() == {"error": "the service has failed, as its log describes; please report it"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line,) = (json.loads(record.message) for record in caplog.records if record.name == "scalereid.service")
    assert (line["route"], line["status"]) == ("/api/stats", 500)
    assert "in broken" in line["error"] and "AssertionError: a mistake" in line["error"]
    assert (
        'scalereid_requests_total{method="GET",route="/api/stats",status="500"} 1.0' in client.get("/api/metrics").text
    )


def test_every_refusal_is_described(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    for path in paths.values():
        for operation in path.values():
            for status in ("4XX", "503"):
                schema = operation["responses"][status]["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Refusal"}
