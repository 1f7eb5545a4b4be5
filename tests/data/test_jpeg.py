import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalereid.data import jpeg
from scalereid.data.images import load_image
from scalereid.data.jpeg import decode_jpeg

PIXELS = np.random.default_rng(0).integers(0, 256, (37, 21, 3), np.uint8)


@pytest.fixture
def decoder() -> Iterator[Any]:
    """simplejpeg, looked for anew before and after the test."""
    found = pytest.importorskip("simplejpeg", reason="simplejpeg is not installed: pip install 'scalereid[fast-jpeg]'")
    jpeg._simplejpeg.cache_clear()
    yield found
    jpeg._simplejpeg.cache_clear()


def _saved(file: Path, **options: Any) -> Path:
    Image.fromarray(PIXELS).save(file, **options)
    return file


def _by_pillow(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("quality", [5, 75, 100])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_pillows(tmp_path: Path, subsampling: str, quality: int, progressive: bool) -> None:
    file = _saved(tmp_path / "x.JPG", subsampling=subsampling, quality=quality, progressive=progressive)
    decoded = decode_jpeg(file)
    assert decoded is not None
    assert (decoded.mode, decoded.size) == ("RGB", (21, 37))
    np.testing.assert_array_equal(np.asarray(decoded), _by_pillow(file))
    np.testing.assert_array_equal(np.asarray(load_image(file)), _by_pillow(file))


@pytest.mark.usefixtures("decoder")
def test_in_a_zip_file(tmp_path: Path) -> None:
    file = _saved(tmp_path / "x.jpg")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.write(file, "people/x.jpg")
    decoded = decode_jpeg(tmp_path / "all.zip" / "people" / "x.jpg")
    assert decoded is not None
    np.testing.assert_array_equal(np.asarray(decoded), _by_pillow(file))


@pytest.mark.usefixtures("decoder")
def test_other_files_are_left_to_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "lying.jpg", exif=exif)
    image.convert("L").save(tmp_path / "grey.jpg")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.save(tmp_path / "png.jpg", "PNG")
    image.save(tmp_path / "x.png")
    whole = _saved(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    names = [path.name for path in tmp_path.iterdir() if path.name != "whole.jpg"] + ["gone.jpg"]
    assert len(names) == 9
    assert [decode_jpeg(tmp_path / name) for name in names] == [None] * 9
    assert load_image(tmp_path / "lying.jpg").size == (37, 21)
    with pytest.raises(ValueError, match=r"cut\.jpg cannot be read as an image: "):
        load_image(tmp_path / "cut.jpg")
    assert decode_jpeg(tmp_path / "whole.jpg") is not None
    with monkeypatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 37 * 21 - 1)
        assert decode_jpeg(tmp_path / "whole.jpg") is None
    monkeypatch.setattr(jpeg, "_LARGEST", len(whole) - 1)
    assert decode_jpeg(tmp_path / "whole.jpg") is None


def test_without_simplejpeg_pillow_decodes(decoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    file = _saved(tmp_path / "x.jpg")
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert decode_jpeg(file) is None
    np.testing.assert_array_equal(np.asarray(load_image(file)), _by_pillow(file))


def test_a_decoder_of_other_pixels_is_not_used(decoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a Pillow built with another libjpeg would be."""
    decode = decoder.decode_jpeg
    monkeypatch.setattr(decoder, "decode_jpeg", lambda *given: decode(*given) ^ 1)
    assert decode_jpeg(_saved(tmp_path / "x.jpg")) is None


@pytest.mark.slow
@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("place", ["Market-1501-v15.09.15", "cuhk03-pair1"])
def test_every_real_file(data_root: Path, place: str) -> None:
    files = sorted((data_root / place).rglob("*.jpg"))
    assert len(files) > 8_000
    for file in files:
        decoded = decode_jpeg(file)
        assert decoded is not None, file
        assert decoded.tobytes() == _by_pillow(file).tobytes(), file
