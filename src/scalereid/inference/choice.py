"""Which runtime computes a model's embeddings: the one that is asked for, or the fastest that gives the right ones."""

import hashlib
import threading
import warnings
from pathlib import Path
from types import FunctionType

import numpy as np
import torch
from torch import nn

from scalereid.data.images import default_cache_folder
from scalereid.inference.agreement import LEAST_COSINE, compare
from scalereid.inference.export.graph import VERSION, write_onnx
from scalereid.inference.measuring import measure
from scalereid.inference.metadata import About, Precision, read_about
from scalereid.inference.runtimes import (
    PRECISIONS,
    OnnxRuntime,
    OpenVinoRuntime,
    Runtime,
    RuntimeName,
    TorchRuntime,
    installed,
)
from scalereid.inference.runtimes.torch_program import ProgramRuntime
from scalereid.lookup import own_file
from scalereid.runs.checkpoint import LoadedModel

_LEAST_COSINE = {"float32": LEAST_COSINE, "bfloat16": 0.98, "float16": 0.98}
"""To the model in torch, below which a runtime is not used. Untrained models are harder than others in half precision."""
AS_FAST = 1.1
"""Integers are used where they are faster than bfloat16, which is nearer to float32, by more than this."""
_WRITING = threading.Lock()  # torch traces one network at a time in a process
OF_SUFFIX: dict[str, RuntimeName] = {".onnx": "onnxruntime", ".xml": "openvino", ".pt2": "torch"}
"""What computes an exported file."""


def runtime_for(
    loaded: LoadedModel,
    about: About,
    name: str,
    precision: Precision,
    device: torch.device,
    *,
    batch_size: int,
    integers: Path | None,
) -> Runtime:
    """A runtime for a model.

    Args:
        loaded: the model.
        about: what it is.
        name: of the runtime; `auto` measures those that are installed and takes the fastest that agrees with torch.
        precision: of the arithmetic. For `int8`, `auto` takes bfloat16 where that is as fast.
        device: where it computes.
        batch_size: that is measured with.
        integers: the model in 8-bit integers, where `quantize` keeps it; None where it has no such place.

    Raises:
        ValueError: there is none, or its embeddings differ from torch's.
        ModuleNotFoundError: it is not installed.
    """
    kind = device.type
    if name != "auto":
        if name not in PRECISIONS:
            raise ValueError(f"there is no runtime {name!r}; there are auto, {', '.join(PRECISIONS)}")
        chosen: RuntimeName = name
        _require(chosen, precision, kind)
        if precision == "int8":
            return _in_integers(about, integers)
        reference = _reference(loaded)
        return _checked(_make(loaded, about, chosen, precision, device, reference), about, reference)
    reference = _reference(loaded)
    if precision == "int8":
        _require("openvino", precision, kind)
        whole, half = _in_integers(about, integers), _of_graph("openvino", _graph(loaded, about), "bfloat16")
        seconds = measure([whole, half], about, batch_size)
        return whole if AS_FAST * seconds[0] < seconds[1] else _checked(half, about, reference)
    able = [other for other in PRECISIONS if installed(other) and precision in PRECISIONS[other].get(kind, ())]
    if not able:
        raise ValueError(f"no runtime here computes in {precision} on {kind}")
    runtimes: list[Runtime] = []
    for other in able:
        try:
            made = _make(loaded, about, other, precision, device, reference)
            runtimes.append(_checked(made, about, reference))
        except Exception as error:  # a network that cannot be a graph, a cache that cannot be written, other embeddings
            if other == able[-1] and not runtimes:
                raise
            warnings.warn(f"{other} is not used: {str(error).partition(chr(10))[0]}", stacklevel=4)
    return runtimes[int(np.argmin(measure(runtimes, about, batch_size)))] if len(runtimes) > 1 else runtimes[0]


def runtime_of_file(
    file: Path, name: str, precision: Precision | None, *, run_code: bool = False
) -> tuple[About, Runtime]:
    """What an exported file is, and a runtime for it. When it was written it was compared with torch, in float32.

    Raises:
        ValueError: the file is for another runtime or precision, takes no pixels, or is torch's and `run_code` is false.
        ModuleNotFoundError: the runtime is not installed.
    """
    own = OF_SUFFIX[file.suffix]
    if name not in ("auto", own):
        raise ValueError(f"{file} is for {own}, not for {name}")
    if not installed(own):
        raise ModuleNotFoundError(_MISSING.format(own))
    about = read_about(file)
    if not about.takes_pixels:
        raise ValueError(f"{file} takes {about.input}: export it with normalisation inside")
    precision = precision or about.arithmetic
    if (about.arithmetic == "int8") != (precision == "int8"):
        raise ValueError(
            f"{file} is in {about.arithmetic}, not in {precision}; say nothing of precision, or ask for its own"
        )
    _require(own, precision, "cpu")
    if own != "torch":
        return about, _of_graph(own, file, precision)
    if precision != "float32":
        raise ValueError(f"{file} computes in float32, not in {precision}")
    if not run_code:
        raise ValueError(
            f"{file} may hold any code, as torch's files can: load it only if you trust whom it is from, with run_code "
            "(--run-code)"
        )
    return about, ProgramRuntime(file)


_MISSING = "{} is not installed: pip install 'scalereid[export]'"


def _require(name: RuntimeName, precision: Precision, kind: str) -> None:
    """Say so when a runtime is not there, or does not compute in this precision on this kind of device."""
    if not installed(name):
        raise ModuleNotFoundError(_MISSING.format(name))
    able = PRECISIONS[name].get(kind, ())
    if precision not in able:
        can = ", ".join(able) or f"nothing on {kind}"
        raise ValueError(f"{name} does not compute in {precision} on {kind}; it does in {can}")


def _reference(loaded: LoadedModel) -> TorchRuntime:
    return TorchRuntime(loaded.model, "float32", torch.device("cpu"))


def _make(
    loaded: LoadedModel,
    about: About,
    name: RuntimeName,
    precision: Precision,
    device: torch.device,
    reference: TorchRuntime,
) -> Runtime:
    if name != "torch":
        return _of_graph(name, _graph(loaded, about), precision)
    is_reference = (precision, device) == (reference.precision, reference.device)
    return reference if is_reference else TorchRuntime(loaded.model, precision, device)


def _of_graph(name: RuntimeName, file: Path, precision: Precision) -> Runtime:
    threads = torch.get_num_threads()
    return OnnxRuntime(file, threads) if name == "onnxruntime" else OpenVinoRuntime(file, precision, threads)


def _in_integers(about: About, file: Path | None) -> Runtime:
    how = "make them with scalereid quantize, which says what they cost"
    if file is None or not file.is_file():
        place = "a model that is no run" if file is None else file
        raise ValueError(f"there are no 8-bit integers in {place}: {how}, and name the file that it writes, or its run")
    if read_about(file).fingerprint != about.fingerprint:
        raise ValueError(f"{file} is of other weights: remove it and {how}")
    return _of_graph("openvino", file, "int8")


def _graph(loaded: LoadedModel, about: About) -> Path:
    """The model as ONNX, written once and kept in the cache folder."""
    is_own = loaded.recipe and own_file(loaded.recipe.model.backbone)
    code = f"-{_fingerprint_of_code(loaded.model.backbone)}" if is_own else ""
    file = default_cache_folder() / "graphs" / f"{about.fingerprint}{code}-{VERSION}-{torch.__version__}.onnx"
    with _WRITING:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_onnx(loaded.model, about, file)
    return file


def _fingerprint_of_code(backbone: nn.Module) -> str:
    """Of the files that its class and their bases are written in: with the same weights it may be another network tomorrow."""
    functions = [
        part for kind in type(backbone).__mro__ for part in vars(kind).values() if isinstance(part, FunctionType)
    ]
    files = sorted({Path(function.__code__.co_filename) for function in functions})
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()[:12]


def _checked(runtime: Runtime, about: About, reference: TorchRuntime) -> Runtime:
    """`runtime`, if it computes what the model does."""
    if runtime is reference:
        return runtime
    cosine = compare(reference, runtime, about.image_size).cosine
    if not cosine >= _LEAST_COSINE[runtime.precision]:
        raise ValueError(
            f"{runtime.name} in {runtime.precision} does not give this model's embeddings: a cosine of {cosine:.5f} to torch's"
        )
    return runtime
