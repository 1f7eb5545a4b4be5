from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.images import load_image
from scalereid.inference.inspector import Inspector
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.models.building import build_model
from scalereid.models.joined import JoinedModel
from scalereid.runs.checkpoint import LoadedModel, load_checkpoint, load_model
from tests.inference.conftest import expected, pixels_of, unit


def test_it_shows_what_the_model_computes(run: Path, paths: list[Path]) -> None:
    """In two batches, as in one."""
    inspector = Inspector(run)
    found = inspector([load_image(path) for path in paths[:11]])
    assert np.allclose(found.embeddings, unit(expected(run, paths[:11])), atol=1e-5)
    with torch.inference_mode():
        stages = load_model(run).backbone.stage_maps(normalise(torch.from_numpy(pixels_of(paths[:11]))))
    for activation, maps in zip(found.activations, stages, strict=True):
        sums = maps.abs().sum(dim=1).numpy()
        assert np.allclose(activation, sums / np.linalg.norm(sums, axis=(1, 2), keepdims=True), atol=1e-5)
    assert found.weights == inspector.receptive_fields == []  # one stream, which is not weighted
    assert inspector.metadata.model == "osnet_one_stream (run)"


def test_exported_files_do_not_show_it(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(
        ValueError, match="is an exported file, which gives embeddings alone; to look inside, give the run or"
    ):
        Inspector(tmp_path / "model.onnx")


def test_one_network_at_a_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = [build_model("osnet_one_stream", width=0.25, embedding_size=8) for _ in range(2)]

    def joined(*_: object, **__: object) -> LoadedModel:
        return replace(load_checkpoint(run), model=JoinedModel(networks))

    monkeypatch.setattr("scalereid.inference.inspector.load_checkpoint", joined)
    with pytest.raises(ValueError, match="holds two networks side by side; to look inside, give one of them"):
        Inspector(run)


def test_likelihoods_are_those_of_the_recognizer(attribute_run: Path, run: Path, paths: list[Path]) -> None:
    images = [load_image(path) for path in paths[:11]]
    with AttributeRecognizer(attribute_run, options=RuntimeOptions(runtime="torch")) as recognizer:
        expected = recognizer(paths[:11])
    found = Inspector(attribute_run)(images)
    assert np.allclose(found.likelihoods, expected, atol=1e-5)
    assert np.allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-5)
    without = Inspector(run)
    assert without.attributes is None
    assert without(images[:2]).likelihoods.shape == (2, 0)
