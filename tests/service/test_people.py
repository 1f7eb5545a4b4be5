import json
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from scalereid.gallery import forgetting, schema
from scalereid.gallery.gallery import Gallery


def say(client: TestClient, **said: Any) -> Any:
    return client.post("/api/events", json=said, headers={"x-by": "me"})


def test_what_is_said_is_recorded_and_taken_back(client: TestClient) -> None:
    anna = say(client, kind="enrol", sightings=[1, 2], name="Anna")
    assert (anna.status_code, anna.json()["by"], anna.json()["said"]) == (201, "me", "enrol 2 sightings of identity 1")
    say(client, kind="confirm", identity=1, sightings=[3, 4])
    say(client, kind="reject", identity=1, sightings=[4])
    ben = say(client, kind="split", identity=1, sightings=[3], name="Ben").json()["number"]
    say(client, kind="rename", identity=ben, name="Benno")
    people = client.get("/api/identities").json()
    assert people == [
        {"number": 1, "name": "Anna", "sightings": [1, 2], "rejected": [3, 4]},
        {"number": ben, "name": "Benno", "sightings": [3], "rejected": []},
    ]  # fmt: skip
    other = say(client, kind="enrol", sightings=[7]).json()["number"]
    merged = say(client, kind="merge", identity=1, others=[other]).json()["number"]
    assert client.get("/api/identities/1").json()["sightings"] == [1, 2, 7]
    assert client.get(f"/api/identities/{other}").status_code == 404
    undone = say(client, kind="undo", event=merged)
    assert undone.status_code == 201
    assert client.get("/api/identities").json()[:2] == people
    assert client.post("/api/undo").json()["said"] == f"undo event {other} (enrol 1 sighting of identity {other})"
    events = client.get("/api/events", params={"last": 3}).json()
    assert [event["kind"] for event in events] == ["merge", "undo", "undo"]
    assert [event["undone"] for event in events] == [True, False, False]


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        ({"kind": "confirm", "identity": 99, "sightings": [1]}, 409, "identity 99 does not exist"),
        ({"kind": "enrol", "sightings": [999]}, 400, "No such sighting: 999"),
        ({"kind": "enrol", "sightings": []}, 422, "at least 1 item"),
        ({"kind": "enrol", "sightings": ["a"]}, 422, "valid integer"),
        ({"kind": "adopt", "sightings": [1]}, 422, "'adopt'"),
        ({"kind": "enrol", "sightings": [1], "by": "somebody"}, 422, "Extra inputs"),
        ({"kind": "enrol", "sightings": [2**63]}, 422, "less than"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: TestClient, gallery: Gallery, said: Any, status: int, error: str
) -> None:
    answer = say(client, **said)
    assert answer.status_code == status
    assert error in answer.json()["error"]
    assert gallery.history.events() == []


def test_sightings_are_told_and_listed(client: TestClient, gallery: Gallery, picture: bytes) -> None:
    say(client, kind="enrol", sightings=[1], name="Anna")
    known = client.get("/api/sightings/1").json()
    one = known["sighting"]
    assert (known["identity"], known["name"], one["number"]) == (1, "Anna", 1)
    assert one["seen"]["source"] == gallery.sightings([1])[1].seen.source
    shown = client.get("/api/sightings/1/picture")
    assert (shown.content, shown.headers["content-type"]) == (picture, "image/jpeg")
    assert client.get("/api/sightings/999").status_code == client.get("/api/sightings/999/picture").status_code == 404

    def listed(**which: Any) -> list[Any]:
        return [json.loads(line) for line in client.post("/api/sightings/list", json=which).text.splitlines()]

    camera = one["seen"]["camera"]
    found = listed(cameras=[camera])
    assert {each["sighting"]["seen"]["camera"] for each in found} == {camera}
    assert found[0] == known
    every = [each["sighting"]["number"] for each in listed()]
    assert every == gallery.ledger.select().tolist()
    assert [each["sighting"]["number"] for each in listed(last=3)] == every[-3:]
    assert [each["sighting"]["number"] for each in listed(last=2, below=every[5])] == every[3:5]
    assert listed(numbers=[1, 999]) == [known]


def test_a_picture_is_added_with_what_is_known(client: TestClient, gallery: Gallery) -> None:
    content = BytesIO()
    Image.radial_gradient("L").convert("RGB").save(content, "PNG")
    seen = {
        "source": "door",
        "camera": "9",
        "time": "2026-03-01T12:00:00Z",
        "box": [0, 0, 60, 120],
        "attributes": {"bag": 1},
    }

    def add() -> Any:
        return client.post(
            "/api/sightings", files={"picture": ("x.png", content.getvalue())}, data={"seen": json.dumps(seen)}
        )

    added = add()
    assert added.status_code == 201
    number = added.json()["sighting"]["number"]
    assert gallery.sightings([number])[number].seen.camera == "9"
    crop = gallery.ledger.crop(number)
    assert crop
    with Image.open(BytesIO(crop)) as kept:
        assert kept.size == (60, 120)
    assert add().status_code == 409
    found = client.post(f"/api/sightings/{number}/similar", json={"attributes": {"bag": 0.5}}).json()
    assert found["answer"]["matches"] == []


def test_a_person_is_forgotten(client: TestClient) -> None:
    say(client, kind="enrol", sightings=[1, 2])
    assert client.post("/api/forget", json={}).status_code == 400
    assert client.post("/api/forget", json={"identity": 1}).json() == [1, 2]
    assert client.post("/api/forget", json={"identity": 1}).status_code == 409
    assert client.get("/api/sightings/1").status_code == 404


def test_what_is_forgotten_but_not_overwritten_is_said(
    client: TestClient, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_PATIENCE", 0)
    monkeypatch.setattr(schema, "WAIT", 0)
    gallery.ledger.engine.dispose()  # connections made from now on do not wait
    with gallery.ledger.engine.begin() as reader:
        reader.exec_driver_sql("SELECT * FROM sightings").fetchone()
        answer = client.post("/api/forget", json={"sightings": [1]})
    assert answer.status_code == 503 and "retry-after" not in answer.headers
    assert answer.json()["error"].startswith("what was forgotten is deleted, but its bytes may still be in ")
    assert answer.json()["error"].endswith("asking again does not")
    assert client.get("/api/sightings/1").status_code == 404


def test_proposals_are_made(client: TestClient, gallery: Gallery) -> None:
    pytest.importorskip("sklearn")
    found = client.post("/api/proposals", params={"similarity": -0.99}, json={}).json()
    (proposal,) = found["proposals"]
    assert proposal["sightings"] == gallery.ledger.select().tolist()
    assert "calibration" in client.post("/api/proposals", json={}).json()["error"]
