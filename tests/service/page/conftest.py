"""A service with plain people who are easy to tell apart, and a window on its page."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")

from scalereid.detection.detector import Detection, Detector
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.sightings import Seen
from scalereid.service.app import create_app
from scalereid.service.limits import Limits
from tests.browser import chromium
from tests.gallery.test_gallery import TORCH
from tests.inference.conftest import CALIBRATION, cache, own_cache, run  # noqa: F401 - fixtures

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLOURS = ("red", "blue", "green", "black", "yellow", "magenta", "white", "cyan", "orange", "purple", "brown", "gray")
CAMERAS = ("1", "2", "3")
WIDE, HIGH = 32, 64


def person(index: int, shade: int = 0) -> Image.Image:
    """A picture of a person: a shirt of one colour and trousers of another; `shade` changes a few pixels."""
    image = Image.new("RGB", (WIDE, HIGH), "lightgray")
    image.paste(COLOURS[index], (6, 8, 26, 34))
    image.paste(COLOURS[(index + 5) % len(COLOURS)], (8, 34, 24, 62))
    image.paste((200, 170, 140 + shade), (13, 1, 19, 8))
    return image


def as_file(image: Image.Image) -> bytes:
    content = BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def scene() -> tuple[Image.Image, list[tuple[float, float, float, float]]]:
    """A picture with three people, and where they are."""
    image = Image.new("RGB", (320, 160), "lightgray")
    boxes = []
    for index, left in ((0, 30), (3, 130), (6, 240)):
        image.paste(person(index), (left, 60))
        boxes.append((float(left), 60.0, float(left + WIDE), float(60 + HIGH)))
    return image, boxes


@dataclass(frozen=True)
class Finder:
    """A detector that knows the people of `scene`."""

    name: str = "known.onnx"

    def people(self, image: Image.Image) -> list[Detection]:
        """See `Detector`."""
        return [Detection(box, 0.9 - i / 10) for i, box in enumerate(scene()[1])] if image.width > 2 * WIDE else []


@pytest.fixture(scope="session")
def plain(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Twelve people, each seen twice by three cameras. Not to be changed."""
    folder = tmp_path_factory.mktemp("plain") / "people.gallery"
    with Gallery.create(folder, run, options=TORCH) as gallery:
        pictures, seen = [], []
        for index in range(12):
            for at, camera in enumerate(CAMERAS):
                for again in range(2):
                    time = START + timedelta(minutes=10 * index + 3 * at, seconds=again)
                    known = Seen(
                        f"camera {camera}", camera, time, track=f"{index}-{camera}", attributes={"bag": index / 12}
                    )
                    pictures.append(person(index, shade=10 * at + 3 * again))
                    seen.append(known)
        gallery.add_crops(pictures, seen)
        gallery.calibration = replace(CALIBRATION, fingerprint=gallery.model.fingerprint, knots=_knots(gallery))
    return folder


def _knots(gallery: Gallery) -> tuple[tuple[float, float], ...]:
    """Log-odds that are high within a person and low between two."""
    (block,) = gallery.ledger.vectors(gallery.model.number)
    distances = 1 - block.matrix @ block.matrix.T
    people = (block.sightings - 1) // 6
    same = people[:, None] == people
    near, far = float(distances[same].max()), float(distances[~same].min())
    assert near < far, (near, far)
    return (0.0, 6.0), (near, 4.0), (far, -4.0), (2.0, -6.0)


@dataclass(frozen=True)
class Served:
    """A service that answers on this machine."""

    url: str
    gallery: Gallery


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Served]:
    """A service of a gallery while it is used."""
    gallery = Gallery(folder, options=TORCH)
    limits = Limits(rate=1e6, burst=1_000_000)
    app = create_app(gallery, detector=cast(Detector, Finder()), limits=limits, **options)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service has not started"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", gallery)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(plain: Path, tmp_path: Path) -> Iterator[Served]:
    shutil.copytree(plain, tmp_path / "people.gallery")
    with serving(tmp_path / "people.gallery") as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser for all tests; each has a window of its own."""
    with chromium() as found:
        yield found


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """A window in which nothing may go wrong unseen: errors and refused policies fail the test."""
    with browser_window(browser) as page:
        yield page


@contextmanager
def browser_window(browser: Any, **options: Any) -> Iterator[Any]:
    """A window of its own, which keeps what is copied."""
    viewport = {"width": 1280, "height": 900}
    context = browser.new_context(
        permissions=["clipboard-read", "clipboard-write"], **{"viewport": viewport, "timezone_id": "UTC", **options}
    )
    context.set_default_timeout(20_000)
    page, wrong = context.new_page(), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if said.type == "error" and "status of 4" not in said.text else None,
    )
    yield page
    context.close()
    assert wrong == []


def drop(page: Any, content: bytes, name: str = "picture.png", kind: str = "image/png") -> None:
    """Drop a file on the page, as from a folder."""
    page.evaluate(
        """([bytes, name, type]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [list(content), name, kind],
    )


def until(page: Any, expression: str) -> None:
    """Wait until a JavaScript expression is true; Playwright's own way would need what the page's policy forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def shown(page: Any, within: str) -> set[int]:
    """Numbers of the sightings that are shown in a part of the page."""
    return set(
        page.eval_on_selector_all(
            f"{within} [data-sighting]:not(img)", "all => all.map((each) => Number(each.dataset.sighting))"
        )
    )


def of(index: int, cameras: str = "123") -> set[int]:
    """The sightings of a person, by some cameras."""
    return {6 * index + 2 * CAMERAS.index(camera) + again for camera in cameras for again in (1, 2)}
