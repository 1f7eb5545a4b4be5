import struct
import time
import zlib
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from scalereid.gallery.gallery import Gallery
from tests.service.conftest import LIMITS


def png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG that says that it has a size; its pixels are those of as many rows of zeros as fit into few bytes."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        *more,
        (b"IDAT", zlib.compress(bytes(1_000_000), 9)),
        (b"IEND", b""),
    ]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def small() -> Image.Image:
    return Image.linear_gradient("L").resize((20, 40)).convert("RGB")


BLOWN = zlib.compress(bytes(100_000_000), 9)
BOMBS = {
    "30,000 × 30,000": (png(30_000, 30_000), "cannot be read as an image"),
    "of 65,535 × 1,000": (png(65_535, 1_000), "pixels; send pictures of at most 100,000 pixels together"),
    "zTXt of 100 MB": (png(20, 40, (b"zTXt", b"a\0\0" + BLOWN)), "cannot be read as an image"),
    "iTXt of 100 MB": (png(20, 40, (b"iTXt", b"a\0\1\0\0\0" + BLOWN)), "cannot be read as an image"),
    "iCCP of 100 MB": (png(20, 40, (b"iCCP", b"a\0\0" + BLOWN)), ""),
    "truncated": (saved(small(), "PNG")[:-200], "cannot be read as an image"),
    "animated": (
        saved(small(), "GIF", save_all=True, append_images=[Image.new("RGB", (20, 40), "red")] * 3),
        "it has several frames; save one of them as an image of its own",
    ),
    "empty": (b"", "cannot be read as an image"),
    "text": (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "cannot be read"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", "cannot be read"),
    "16 bits": (saved(Image.new("I;16", (20, 40)), "PNG"), "it has more than 8 bits a channel"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(client: TestClient, name: str) -> None:
    content, why = BOMBS[name]
    assert len(content) < LIMITS.body
    started = time.process_time()
    for path, field, question in (
        ("/api/search", "pictures", {}),
        ("/api/sightings", "picture", {"seen": '{"source": "x"}'}),
    ):
        answer = client.post(path, files={field: ("x.png", content)}, data=question)
        assert answer.status_code == 400 if why else answer.status_code < 500
        assert why in answer.json().get("error", "")
    assert time.process_time() - started < 5


def test_names_of_files_are_only_names(client: TestClient, gallery: Gallery) -> None:
    content = saved(small(), "PNG")
    for name in (
        "../../etc/passwd",
        "/etc/passwd",
        "..\\..\\x.jpg",
        "a\0b.png",
        "",
        "x" * 500,
        "person.txt",
        "ü\ud7ff.heic",
    ):
        answer = client.post("/api/search", files={"pictures": (name, content)})
        assert answer.status_code == (200 if name else 422), name
        wrong = client.post("/api/search", files={"pictures": (name, b"no picture")}).json()["error"]
        assert "/" not in wrong.split(" cannot be read")[0]
    assert gallery.ledger.count() == gallery.stats().sightings


def test_a_name_in_no_encoding_is_no_failure(client: TestClient) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="\\ud800.jpg"\r\n\r\nno picture\r\n--x--\r\n'
    )
    for charset in ("unicode_escape", "utf-16", "nonsense", "idna", "\x7f"):
        kind = f"multipart/form-data; boundary=x; charset={charset}"
        answer = client.post("/api/search", content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 422)
        assert answer.json()["error"]


def test_pixels_of_a_request_are_counted_together(client: TestClient) -> None:
    content = saved(Image.new("RGB", (200, 300)), "PNG")  # 60,000 of 100,000
    files = [("pictures", (f"{i}.png", content)) for i in range(2)]
    assert client.post("/api/search", files=files[:1]).status_code == 200
    answer = client.post("/api/search", files=files)
    assert answer.status_code == 400
    assert "1.png" in answer.json()["error"] and "at most 100,000 pixels together" in answer.json()["error"]
