import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from scalereid.gallery.audit import searches
from scalereid.gallery.gallery import Gallery


def asked(client: TestClient, *pictures: bytes, **question: Any) -> Any:
    files = [("pictures", (f"{i}.jpg", content)) for i, content in enumerate(pictures)]
    return client.post("/api/search", files=files, data={"question": json.dumps(question)})


def test_a_search_finds_what_the_gallery_finds(client: TestClient, gallery: Gallery, picture: bytes) -> None:
    found = asked(client, picture, top=5, purpose="a test").json()
    expected = gallery.search(gallery.sightings([1])[1].seen.source, top=5)
    assert [match["sighting"]["number"] for match in found["answer"]["matches"]] == [
        match.sighting.number for match in expected.matches
    ]
    similarities = [match["similarity"] for match in found["answer"]["matches"]]
    assert similarities == pytest.approx([match.similarity for match in expected.matches], abs=1e-5)
    assert (found["verdict"], found["calibration"], found["thresholds"]["likely"]) == ("unknown", None, 0.9)
    assert searches(gallery.ledger.engine)[0].purpose == "a test"


def test_all_conditions_count(client: TestClient, gallery: Gallery, picture: bytes) -> None:
    seen = gallery.sightings([1])[1].seen

    def cameras(**question: Any) -> set[str]:
        matches = asked(client, picture, top=99, **question).json()["answer"]["matches"]
        return {match["sighting"]["seen"]["camera"] for match in matches}

    every = cameras()
    assert cameras(cameras=[seen.camera]) == {seen.camera}
    assert cameras(not_cameras=[seen.camera]) == every - {seen.camera}
    assert cameras(after="2030-01-01T00:00:00Z") == cameras(among="known") == cameras(attributes={"bag": 0.1}) == set()
    gallery.enrol([1])
    assert cameras(among="known") == cameras(identities=[1]) == {seen.camera}
    assert asked(client, picture, identities=[99]).status_code == 409
    assert asked(client, picture, after="2026-03-02", before="2026-03-01").status_code == 400


def test_a_part_of_a_scene_is_searched(client: TestClient, picture: bytes) -> None:
    with Image.open(BytesIO(picture)) as person:
        scene = Image.new("RGB", (person.width + 60, person.height + 40))
        scene.paste(person, (30, 20))
        box = [30, 20, 30 + person.width, 20 + person.height]
    content = BytesIO()
    scene.save(content, "PNG")
    found = asked(client, content.getvalue(), box=box, top=1).json()["answer"]["matches"][0]
    assert found["sighting"]["number"] == 1
    assert found["similarity"] == pytest.approx(1, abs=1e-4)
    whole = asked(client, content.getvalue(), top=1).json()["answer"]["matches"][0]
    assert whole["similarity"] < 0.999
    assert "send one picture with a box" in asked(client, picture, picture, box=box).json()["error"]
    outside = asked(client, content.getvalue(), box=[900, 20, 950, 100]).json()["error"]
    assert outside.startswith("the box [900.0, 20.0, 950.0, 100.0] has no pixels within the frame of ")


def test_embeddings_are_searched_as_pictures_are(client: TestClient, gallery: Gallery) -> None:
    vector = gallery.ledger.vector(1, 3)
    assert vector is not None
    found = client.post("/api/search/embeddings", json={"embeddings": [vector.tolist()], "top": 2}).json()
    assert found["answer"]["matches"][0]["sighting"]["number"] == 3
    wrong = client.post("/api/search/embeddings", json={"embeddings": [[1.0, 2.0]]})
    assert wrong.status_code == 400 and "2" in wrong.json()["error"]
    uneven = client.post("/api/search/embeddings", json={"embeddings": [[1.0, 2.0], [1.0]]})
    assert "as many each" in uneven.json()["error"]
    text = json.dumps({"embeddings": [[float("nan")] * len(vector)]})
    assert client.post("/api/search/embeddings", content=text).status_code == 422


def test_a_sighting_is_searched(client: TestClient, gallery: Gallery) -> None:
    found = client.post("/api/sightings/1/similar", json={"top": 3}).json()["answer"]["matches"]
    assert [match["sighting"]["number"] for match in found] == [
        match.sighting.number for match in gallery.similar(1, top=3).matches
    ]
    assert client.post("/api/sightings/999/similar", json={}).status_code == 404


def test_what_cannot_be_searched_is_told(client: TestClient, picture: bytes) -> None:
    def error(*pictures: bytes, **question: Any) -> str:
        answer = asked(client, *pictures, **question)
        assert answer.status_code == 400
        return str(answer.json()["error"])

    assert "0.jpg cannot be read as an image" in error(b"no picture")
    assert "is in HEIC or AVIF, which cannot be read; save it as JPEG" in error(b"\0\0\0\x18ftypheic\0\0\0\0")
    assert "there are 4 pictures; send 1 to 3" in error(*[picture] * 4)
    assert "top: Input should be greater than or equal to 1" in error(picture, top=0)
    assert "topp: Extra inputs are not permitted" in error(picture, topp=1)
    noise = Image.fromarray(np.zeros((500, 500, 3), np.uint8))
    content = BytesIO()
    noise.save(content, "PNG")
    assert "it has 500 × 500 pixels; send pictures of at most 100,000 pixels together" in error(content.getvalue())
    assert asked(client).status_code == 422
    no_json = client.post("/api/search", files={"pictures": ("x.jpg", picture)}, data={"question": "{"})
    assert no_json.json()["error"].startswith("Invalid JSON: ")
    for path, field in (("/api/search", "pictures"), ("/api/detect", "picture")):
        no_file = client.post(path, data={field: "x"}, files={"other": ("x.jpg", picture)})
        assert (no_file.status_code, no_file.json()["error"]) == (422, f"{field}: expected a file")
