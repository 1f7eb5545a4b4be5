from pathlib import Path

import numpy as np
import pytest

from scalereid.gallery.gallery import Gallery
from scalereid.inference.embedder import Embedder
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.pixel_format import PixelFormat
from tests.gallery.test_gallery import TORCH, crops, filled, gallery  # noqa: F401 - fixtures
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures
from tests.inference.networks import write_onnx

UNLIKE = PixelFormat("BGR", 50.0, (1.0, 2.0, 3.0), (0.5, 0.25, 2.0))


def test_how_pixels_go_in_is_remembered(tmp_path: Path, crops: Path) -> None:  # noqa: F811
    pytest.importorskip("onnxruntime")
    file, picture = write_onnx(tmp_path / "other.onnx"), str(min(crops.rglob("*.jpg")))
    with Gallery.create(tmp_path / "people.gallery", file, options=RuntimeOptions(pixels=UNLIKE)) as made:
        made.add(crops)
    with Gallery(tmp_path / "people.gallery") as again:
        assert again.search(picture).matches[0].similarity == pytest.approx(1, abs=1e-5)
        vector = again.ledger.vector(1, 1)
        assert vector is not None
        assert np.allclose(vector, Embedder(file, pixels=UNLIKE)(picture)[0], atol=1e-5)
        assert again.embedder().metadata.pixels == UNLIKE


def test_a_gallery_takes_a_model_of_others(gallery: Gallery, tmp_path: Path, run: Path) -> None:  # noqa: F811
    pytest.importorskip("onnxruntime")
    file, other = write_onnx(tmp_path / "other.onnx"), Gallery(gallery.where)
    with pytest.raises(ValueError, match="was not written by scalereid"):
        other.reembed(file)
    other.reembed(file, pixels=UNLIKE)
    assert other.check() == []
    assert Gallery(gallery.where).embedder().metadata.pixels == UNLIKE
    again = Gallery(gallery.where, options=TORCH)
    again.reembed(run)
    assert again.embedder().metadata.pixels is None
