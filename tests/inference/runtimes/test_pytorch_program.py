import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.inference.embedder import Embedder
from scalereid.inference.export.exporting import export
from scalereid.inference.runtimes import read_metadata
from scalereid.inference.runtimes.pytorch_program import ProgramRuntime, write_package, write_program
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint, load_model
from tests.inference.conftest import expected, pixels_of, unit


def test_a_program_needs_torch_alone(run: Path, paths: list[Path], tmp_path: Path) -> None:
    file, loaded = tmp_path / "model.pt2", load_checkpoint(run)
    metadata = describe_model(loaded, run)
    write_program(loaded.model, metadata, file)
    assert read_metadata(file) == metadata
    pixels = pixels_of(paths)[:7]
    with torch.inference_mode():  # by torch's own functions
        exact = loaded.model(normalise(torch.from_numpy(pixels)))
        found = torch.export.load(file).module()(torch.from_numpy(pixels))
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4)
    runtime = ProgramRuntime(file)
    assert (runtime.name, runtime.precision, runtime.workers) == ("torch", "float32", 1)
    for n in (1, 7):
        np.testing.assert_allclose(runtime(pixels[:n]), exact[:n], rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"model\.pt2 computes in float32, not in bfloat16"):
        ProgramRuntime(file, "bfloat16")


@pytest.mark.slow  # compiling takes a quarter of a minute
@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler: compiled packages are NOT tested")
def test_a_compiled_package(run: Path, paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    metadata, agreement, _ = export(run, file, format="aotinductor")
    assert agreement.cosine > 0.99999
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt2"}
    assert read_metadata(file) == metadata
    pixels = torch.randint(0, 256, (3, 64, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():  # by torch's own functions
        found = torch._inductor.aoti_load_package(str(file))(pixels)
        torch.testing.assert_close(found, load_model(run)(normalise(pixels)), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"may hold any code.*; load it only if you trust its source"):
        Embedder(file)
    embedder = Embedder(file, run_code=True)
    assert (embedder.runtime.name, embedder.runtime.precision) == ("torch", "float32")
    np.testing.assert_allclose(embedder(paths), unit(expected(run, paths)), atol=1e-5)


def test_a_package_is_told_from_a_program_without_running_it(run: Path, tmp_path: Path) -> None:
    """As in the archive that the compiler makes: its metadata are in a JSON file beside the machine code."""
    metadata = describe_model(load_checkpoint(run), run)
    file = tmp_path / "model.pt2"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data/aotinductor/model/x.wrapper.so", b"no machine code")
        archive.writestr(
            "model/data/aotinductor/model/x.wrapper_metadata.json", json.dumps({"scalereid": metadata.to_json()})
        )
    assert read_metadata(file) == metadata
    with pytest.raises(ValueError, match=r"model\.pt2 cannot be loaded here"):
        ProgramRuntime(file)


@pytest.mark.slow  # as far as the compiler
def test_no_compiler_is_said(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_checkpoint(run)
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    with pytest.raises(RuntimeError, match=r"the model cannot be compiled here; it takes a C\+\+ compiler: "):
        write_package(loaded.model, describe_model(loaded, run), tmp_path / "model.pt2")


def test_a_file_of_other_origin(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(2),)), tmp_path / "strange.pt2")
    with pytest.raises(ValueError, match=r"strange\.pt2 has no metadata of scalereid, which exported files have"):
        Embedder(tmp_path / "strange.pt2")
    with pytest.raises(ValueError, match="cannot be loaded here"):
        (tmp_path / "damaged.pt2").write_bytes((tmp_path / "strange.pt2").read_bytes()[:400])
        ProgramRuntime(tmp_path / "damaged.pt2")


def test_an_archive_made_to_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/extra/scalereid", bytes(30_000_000))
    assert file.stat().st_size < 40_000
    with pytest.raises(
        ValueError, match=r"model\.pt2 cannot be read, .*: its metadata have 30,000,000 bytes; expected at most"
    ):
        read_metadata(file)
