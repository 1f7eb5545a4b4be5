"""A model as a .pt2 file, which needs torch and not this package: an exported program, or one compiled for this processor."""

import json
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.inference.export.graph import traced
from scalereid.inference.metadata import KEY, ModelMetadata, Precision
from scalereid.models.embedding_model import EmbeddingModel

_LONGEST = 10_000_000  # bytes of metadata


def write_program(model: EmbeddingModel, metadata: ModelMetadata, file: Path) -> None:
    """Write what `torch.export.load(file).module()` gives back: plain operations that any torch of this version runs."""
    torch.export.save(traced(model, metadata), file, extra_files={KEY: metadata.to_json()})


def write_package(model: EmbeddingModel, metadata: ModelMetadata, file: Path) -> None:
    """Write what `torch._inductor.aoti_load_package(file)` gives back: machine code for this kind of processor.

    Compiling takes half a minute, and a C++ compiler.

    Raises:
        RuntimeError: The model cannot be compiled on this machine; the message says why.
    """
    from torch._inductor import aoti_compile_and_package
    from torch._inductor.exc import InductorError, InvalidCxxCompiler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler warns of its own parts
        try:
            aoti_compile_and_package(
                traced(model, metadata),
                package_path=str(file),
                inductor_configs={"aot_inductor.metadata": {KEY: metadata.to_json()}},
            )
        except (InductorError, InvalidCxxCompiler) as error:
            reason = str(error).strip().splitlines()[0]
            raise RuntimeError(f"the model cannot be compiled here; it takes a C++ compiler: {reason}") from error


def read_program_metadata(file: Path) -> str:
    """The metadata of a .pt2 file as text, of which nothing is run.

    Raises:
        KeyError: The file has none.
    """
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(f"/extra/{KEY}"):  # an exported program
                return _read(archive, name).decode()
            if name.endswith("_metadata.json"):  # a compiled one
                return str(json.loads(_read(archive, name))[KEY])
    raise KeyError(KEY)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry of an archive, unless it is far longer than metadata are: it may have been made to fill the memory."""
    if (size := archive.getinfo(name).file_size) > _LONGEST:
        raise ValueError(f"its metadata have {size:,} bytes; expected at most {_LONGEST:,}")
    return archive.read(name)


class ProgramRuntime:
    """A .pt2 file, on a CPU."""

    name = "torch"
    workers = 1

    def __init__(self, file: Path, precision: Precision = "float32") -> None:
        """Load a file, which may run any code that its writer put into it: machine code, or pickles within a program.

        Raises:
            ValueError: The file is damaged, or made for another machine or another torch; or the precision is not float32.
        """
        if precision != "float32":
            raise ValueError(f"{file} computes in float32, not in {precision}")
        self.precision = precision
        try:
            load = torch._inductor.aoti_load_package if _is_package(file) else torch.export.load
            loaded: Any = load(str(file))
        except Exception as error:  # of torch's many kinds
            raise ValueError(f"{file} cannot be loaded here: {error}") from error
        self.compute = loaded.module() if isinstance(loaded, torch.export.ExportedProgram) else loaded
        self.lock = threading.Lock()  # compiled code has memory of its own

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[Any], *, concurrent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - one worker
        """See `Runtime`."""
        with self.lock:
            embeddings: NDArray[np.float32] = self.compute(torch.from_numpy(pixels)).numpy()
        return embeddings


def _is_package(file: Path) -> bool:
    """Whether a .pt2 file holds machine code."""
    with zipfile.ZipFile(file) as archive:
        return any("/data/aotinductor/" in name for name in archive.namelist())
