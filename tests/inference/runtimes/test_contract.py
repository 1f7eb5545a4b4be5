"""What every runtime must do. A new runtime is covered by its line in RUNTIMES."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.inference.export.exporting import export
from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.runtimes import FORMATS, RUNTIMES, read_metadata, runtime_of_file
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.conftest import expected, pixels_of

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_model_gives_torchs_embeddings(name: str, run: Path, paths: list[Path]) -> None:
    loaded, pixels, exact = load_checkpoint(run), pixels_of(paths), expected(run, paths)
    graph = partial(cached_onnx, loaded, describe_model(loaded, run))
    runtime = RUNTIMES[name].load().of_model(loaded.model, graph, "float32", CPU)
    assert (runtime.name, runtime.precision) == (name, "float32")
    assert runtime.workers >= 1
    for size in (1, 2, 5, len(pixels)):
        for concurrent in (False, True):
            found = runtime(pixels[:size], concurrent=concurrent)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, exact[:size], rtol=1e-3, atol=1e-4)


@pytest.mark.slow  # export's own tests write most of these files
@pytest.mark.parametrize(
    "form", [form for form in FORMATS if form != "aotinductor"]
)  # which compiles for half a minute
def test_a_file_gives_torchs_embeddings_and_says_what_it_is(
    form: str, run: Path, paths: list[Path], tmp_path: Path
) -> None:
    kind = FORMATS[form]
    file = tmp_path / f"model{kind.suffix}"
    metadata = export(run, file, format=form).metadata
    assert runtime_of_file(file) is kind
    assert read_metadata(file) == metadata
    pixels, exact, runtime = pixels_of(paths), expected(run, paths), kind.load()
    for compute in (runtime.of_file(file, metadata, "float32"), runtime.as_written(file)):
        np.testing.assert_allclose(compute(pixels[:3]), exact[:3], rtol=1e-3, atol=1e-4)
