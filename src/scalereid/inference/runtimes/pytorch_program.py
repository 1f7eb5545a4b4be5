"""A model as a .pt2 file, which needs torch and not this package: an exported program, or one compiled for this processor."""

import logging
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.files import check_stored
from scalereid.inference.export.graph import traced
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.signature import Contents
from scalereid.inference.stored_layers import KEYS, NO_LAYERS, Layers, texts_of
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.typed_json import from_json, parse
from scalereid.wording import counted

_LONGEST = 20_000_000  # bytes of metadata, or of a layer: ImageNet's classes of ResNet-50 are 11 million


def write_program(model: EmbeddingModel, metadata: ModelMetadata, file: Path, layers: Layers = NO_LAYERS) -> None:
    """Write what `torch.export.load(file).module()` gives back: plain operations that any torch of this version runs."""
    torch.export.save(traced(model, metadata), file, extra_files=texts_of(metadata, layers))


def write_package(model: EmbeddingModel, metadata: ModelMetadata, file: Path, layers: Layers = NO_LAYERS) -> None:
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
                inductor_configs={"aot_inductor.metadata": texts_of(metadata, layers)},
            )
        except (InductorError, InvalidCxxCompiler) as error:
            reason = str(error).strip().splitlines()[0]
            raise RuntimeError(f"the model cannot be compiled here; it takes a C++ compiler: {reason}") from error


def inspect_program(file: Path) -> Contents:
    """What is beside the network of a .pt2 file, of which nothing is run."""
    texts: dict[str, str] = {}
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            folder, _, key = entry.filename.rpartition("/")
            is_program = folder.endswith("/extra") and key in KEYS
            if not (is_program or key.endswith("_metadata.json")):  # of a compiled one
                continue
            if entry.file_size > _LONGEST:  # it may have been made to fill the memory
                raise ValueError(f"its metadata have {entry.file_size:,} bytes; expected at most {_LONGEST:,}")
            text = archive.read(entry).decode()
            texts |= {key: text} if is_program else from_json(dict[str, str], parse(text), entry.filename)
    return Contents(texts, None)


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
        log = logging.getLogger("torch.export")
        level = log.level
        log.setLevel(logging.CRITICAL)  # it would print the tracebacks of what is raised
        try:
            load = torch._inductor.aoti_load_package if _is_package(file) else torch.export.load
            loaded: Any = load(str(file))
            self.compute = loaded.module() if isinstance(loaded, torch.export.ExportedProgram) else loaded
        except Exception as error:  # of torch's many kinds
            raise ValueError(f"{file} cannot be loaded here: {_first_line(error)}") from error
        finally:
            log.setLevel(level)
        self.lock = threading.Lock()  # compiled code has memory of its own

    @classmethod
    def of_file(cls, file: Path, metadata: ModelMetadata, precision: Precision) -> "ProgramRuntime":
        """Load a file, and try it on two black images and on one.

        Nothing else tells what machine code gives. Whether it takes other sizes or another order it does not tell at all: it
        checks nothing, and computes something else.

        Raises:
            ValueError: See `__init__`; or it does not give the embeddings that `metadata` say.
        """
        runtime, (height, width) = cls(file, precision), metadata.image_size
        for number in (2, 1):
            try:
                found = runtime(np.zeros((number, height, width, 3), np.uint8))
            except Exception as error:  # of torch's many kinds
                raise ValueError(
                    f"{file} cannot compute {counted(number, 'image')} of its metadata.image_size and metadata.input, "
                    f"{metadata.input} of {height}×{width}: {_first_line(error)}; export the model again"
                ) from error
            expected = (number, metadata.embedding_size)
            if found.shape != expected or found.dtype != np.float32:
                raise ValueError(
                    f"{file} gives {found.dtype} {found.shape} of {counted(number, 'image')}; by its "
                    f"metadata.embedding_size it is float32 {expected}; export the model again"
                )
        return runtime

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[Any], *, concurrent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - one worker
        """See `Runtime`."""
        with self.lock:
            embeddings: NDArray[np.float32] = self.compute(torch.from_numpy(pixels)).numpy()
        return embeddings


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _is_package(file: Path) -> bool:
    """Whether a .pt2 file holds machine code. ValueError where it may have been made to fill the memory."""
    with zipfile.ZipFile(file) as archive:
        check_stored(archive)
        return any("/data/aotinductor/" in name for name in archive.namelist())
