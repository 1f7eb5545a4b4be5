from pathlib import Path

import numpy as np
import pytest

from scalereid.inference.embedder import UnreadableImagesWarning
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.conftest import expected

TORCH = RuntimeOptions(runtime="torch")


def test_likelihoods_of_a_trained_layer(attribute_run: Path, paths: list[Path]) -> None:
    layer = load_checkpoint(attribute_run).attributes
    assert layer
    with AttributeRecognizer(attribute_run, options=TORCH) as recognizer:
        found = recognizer(paths)
        assert recognizer.names == ("hat", "bag")
        assert "2 attributes" in repr(recognizer)
    assert found.shape == (32, 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, layer(expected(attribute_run, paths)), rtol=1e-4)


def test_any_runtime_will_do(attribute_run: Path, paths: list[Path]) -> None:
    pytest.importorskip("openvino", reason="the openvino extra is not installed")
    with AttributeRecognizer(attribute_run, options=RuntimeOptions(runtime="openvino")) as other:
        found = other(paths[:8])
    with AttributeRecognizer(attribute_run, options=TORCH) as recognizer:
        np.testing.assert_allclose(found, recognizer(paths[:8]), atol=1e-4)


def test_what_cannot_be_read(attribute_run: Path, paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"x")
    images = [paths[0], tmp_path / "broken.jpg"]
    with AttributeRecognizer(attribute_run, options=TORCH) as recognizer:
        likelihoods, errors = recognizer.collect(images, on_error="report")
        with pytest.warns(UnreadableImagesWarning):
            rows = recognizer(images, on_error="report")
    assert [*errors] == [1]
    np.testing.assert_array_equal(rows[:1], likelihoods)
    assert np.isnan(rows[1]).all()


def test_a_model_without_attributes_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="has learned no attributes"):
        AttributeRecognizer(run, options=TORCH)
