"""A model as a file for torch alone, without this package: an exported program, or one compiled for this processor."""

import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.inference.export.graph import traced
from scalereid.inference.metadata import KEY, About, Precision
from scalereid.inference.runtimes import RuntimeName
from scalereid.models.embedding_model import EmbeddingModel


def write_program(model: EmbeddingModel, about: About, file: Path) -> None:
    """Write what `torch.export.load(file).module()` gives back: plain operations that any torch of this version runs."""
    torch.export.save(traced(model, about), file, extra_files={KEY: about.to_json()})


def write_package(model: EmbeddingModel, about: About, file: Path) -> None:
    """Write what `torch._inductor.aoti_load_package(file)` gives back: machine code for this kind of processor.

    Compiling takes half a minute, and a C++ compiler.

    Raises:
        RuntimeError: it cannot be compiled here; the message says why.
    """
    from torch._inductor import aoti_compile_and_package
    from torch._inductor.exc import InductorError, InvalidCxxCompiler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler warns of its own parts
        try:
            aoti_compile_and_package(
                traced(model, about),
                package_path=str(file),
                inductor_configs={"aot_inductor.metadata": {KEY: about.to_json()}},
            )
        except (InductorError, InvalidCxxCompiler) as error:
            reason = str(error).strip().splitlines()[0]
            raise RuntimeError(f"the model cannot be compiled here (it takes a C++ compiler): {reason}") from error


def is_package(file: Path) -> bool:
    """Whether a .pt2 file holds machine code."""
    with zipfile.ZipFile(file) as archive:
        return any("/data/aotinductor/" in name for name in archive.namelist())


class ProgramRuntime:
    """A .pt2 file, on a CPU."""

    name: RuntimeName = "torch"
    precision: Precision = "float32"
    lanes = 1

    def __init__(self, file: Path) -> None:
        """Load a file, which may run whatever code its writer put into it: machine code, or pickles within a program.

        Raises:
            ValueError: it cannot be loaded: it is damaged, or made for another machine or another torch.
        """
        try:
            load = torch._inductor.aoti_load_package if is_package(file) else torch.export.load
            loaded: Any = load(str(file))
        except Exception as error:  # of torch's many kinds
            raise ValueError(f"{file} does not run here: {error}") from error
        self.compute = loaded.module() if isinstance(loaded, torch.export.ExportedProgram) else loaded
        self.lock = threading.Lock()  # compiled code has memory of its own

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - one lane
        """See `Runtime`."""
        with self.lock:
            embeddings: NDArray[np.float32] = self.compute(torch.from_numpy(pixels)).numpy()
        return embeddings
