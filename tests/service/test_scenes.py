import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from math import log
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

pytest.importorskip("onnx", reason="the extra `export` is not installed")
from scalereid.detection.detector import open_detector
from scalereid.gallery.gallery import Gallery
from scalereid.service.app import create_app
from tests.detection.graphs import write_detector, yolox
from tests.service.conftest import LIMITS

PERSON = (103, (0.875, 0.875, log(1.25), log(2.5)), 0.9)  # 40, 20, 80, 100 in a picture of 192×128
OTHER = (6, (0.5, 2.5, log(2), log(4)), 0.6)
PEOPLE = [{"box": [40, 20, 80, 100], "score": 0.9}, {"box": [88, 8, 120, 72], "score": 0.6}]


@pytest.fixture
def finder(gallery: Gallery, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service that has a detector."""
    detector = open_detector(write_detector(tmp_path / "found.onnx", {"output": yolox([PERSON, OTHER])}))
    app = create_app(gallery, limits=LIMITS, detector=detector)
    assert app.state.service.detector.name == "found.onnx"
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def scene(picture: bytes, orientation: int = 1) -> bytes:
    """A picture of a person within a larger one, stored as a camera does that lies on its side."""
    canvas = Image.new("RGB", (192, 128), (90, 90, 90))
    with Image.open(BytesIO(picture)) as person:
        canvas.paste(person.resize((40, 80)), (40, 20))
    turns = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    turn, exif, content = turns[orientation], Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    (canvas.transpose(turn) if turn is not None else canvas).save(content, "PNG", exif=exif)
    return content.getvalue()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_box_that_is_found_is_the_box_of_a_search(finder: TestClient, picture: bytes, orientation: int) -> None:
    content = scene(picture, orientation)
    found = finder.post("/api/detect", files={"picture": ("scene.png", content)})
    assert found.status_code == 200
    assert found.json() == {"width": 192, "height": 128, "people": PEOPLE}
    question = json.dumps({"box": found.json()["people"][0]["box"], "top": 1})
    upright = {"pictures": ("scene.png", scene(picture))}
    expected = finder.post("/api/search", files=upright, data={"question": question}).json()["answer"]
    files = {"pictures": ("scene.png", content)}
    answer = finder.post("/api/search", files=files, data={"question": question}).json()["answer"]
    assert answer == expected


def test_a_service_without_a_detector_says_so(client: TestClient, picture: bytes) -> None:
    found = client.post("/api/detect", files={"picture": ("scene.png", picture)})
    assert found.status_code == 404
    assert found.json() == {"error": "this service has no detector of people; it can be started with one, an ONNX file"}


def test_what_cannot_be_read_is_told(finder: TestClient) -> None:
    wrong = finder.post("/api/detect", files={"picture": ("x.jpg", b"no picture")})
    assert wrong.status_code == 400 and "x.jpg cannot be read as an image" in wrong.json()["error"]
    assert finder.post("/api/detect").status_code == 422
    assert finder.post("/api/detect", files={"picture": ("x.jpg", b"0" * 300_000)}).status_code == 413


def test_several_ask_at_the_same_time(finder: TestClient, picture: bytes) -> None:
    content = scene(picture)

    def people(_: int) -> object:
        return finder.post("/api/detect", files={"picture": ("scene.png", content)}).json()["people"]

    with ThreadPoolExecutor(4) as pool:
        assert all(found == PEOPLE for found in pool.map(people, range(20)))


def test_it_is_described(finder: TestClient) -> None:
    described = finder.get("/api/openapi.json").json()
    answer = described["paths"]["/api/detect"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/Scene"}
    assert set(described["components"]["schemas"]["Scene"]["required"]) == {"width", "height", "people"}
