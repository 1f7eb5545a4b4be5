"""OpenVINO, on a CPU."""

import json
import threading
from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid import processor
from scalereid.files import sha256
from scalereid.inference.kept import kept
from scalereid.inference.metadata import KEY, ModelMetadata, Precision
from scalereid.inference.runtimes.threads import threads
from scalereid.inference.signature import Contents, Signature, TensorType
from scalereid.inference.stored_layers import KEYS, NO_LAYERS, Layers, texts_of
from scalereid.packages import import_openvino

_BIN_HASH = f"{KEY}_bin"  # in the metadata of a .xml: SHA-256 of the .bin
_SIZES = (1, 2, 4, 8, 16)  # of the batches that graphs are compiled for


def save_network(graph: Path, metadata: ModelMetadata, file: Path, layers: Layers = NO_LAYERS) -> None:
    """Write a network in any file that OpenVINO reads to a `.xml` and a `.bin` beside it.

    Inside are `metadata`, `layers` and a hash of the `.bin`, which is known only once that is written: everything is written
    twice.
    """
    openvino = import_openvino()
    network = openvino.Core().read_model(str(graph))
    for key, text in texts_of(metadata, layers).items():
        network.set_rt_info(text, key)
    openvino.save_model(network, str(file), compress_to_fp16=False)
    network.set_rt_info(sha256(file.with_suffix(".bin")), _BIN_HASH)
    openvino.save_model(network, str(file), compress_to_fp16=False)


class OpenVinoRuntime:
    """A compiled graph for each of a few batch sizes, to the next of which a batch is filled up.

    A graph for a known number of images is nearly twice as fast as one for any number; each is compiled when it is first
    needed, and kept in the cache folder. The precision is set: OpenVINO's default would be bfloat16 where the processor has
    it. Layers of an int8 file that are not quantized are computed in bfloat16.
    """

    name = "openvino"

    def __init__(self, file: Path, precision: Precision) -> None:
        self.file, self.precision, self.workers = file, precision, threads()
        self.sizes: tuple[int, ...] = _SIZES
        self.graphs: dict[tuple[int, bool], Any] = {}  # by batch size, and whether for concurrent calls
        self.idle: dict[tuple[int, bool], list[Any]] = {}  # requests not in use: one may not be shared
        self.compiling = threading.Lock()

    @classmethod
    def of_model(cls, _: object, graph: Callable[[], Path], precision: Precision, *__: object) -> "OpenVinoRuntime":
        """See `RuntimeClass`."""
        return cls(graph(), precision)

    @classmethod
    def of_file(cls, file: Path, metadata: ModelMetadata, precision: Precision) -> "OpenVinoRuntime":
        """See `RuntimeClass`."""
        runtime = cls(file, precision)
        if metadata.pixels and (number := _only_number(_for_any_number(runtime._network))):
            runtime.sizes = (number,)
        return runtime

    @staticmethod
    def inspect(file: Path) -> Contents:
        """See `RuntimeClass`. The `.bin` must be the one that was written with the `.xml`."""
        openvino = import_openvino()
        weights = file.with_suffix(".bin")
        if not weights.is_file():
            raise FileNotFoundError(f"its weights, {weights.name} beside it, are missing")
        network = openvino.Core().read_model(str(file))
        texts = {key: str(network.get_rt_info([key]).value) for key in (*KEYS, _BIN_HASH) if network.has_rt_info([key])}
        if texts.pop(_BIN_HASH, None) not in (None, sha256(weights)):  # files of earlier versions have none
            raise ValueError(f"{weights.name} beside it holds other weights than those it was written with")
        return Contents(texts, _signature(_for_any_number(network)))

    @staticmethod
    def as_written(file: Path) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """See `RuntimeClass`."""
        openvino = import_openvino()
        compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda values: compiled(values)[0]

    def __call__(self, pixels: NDArray[Any], *, concurrent: bool = False) -> NDArray[np.float32]:
        """See `Runtime`."""
        largest = self.sizes[-1]
        parts = [pixels[i : i + largest] for i in range(0, len(pixels), largest)]
        return np.concatenate([self._part(part, concurrent and self.workers > 1) for part in parts])

    def _part(self, pixels: NDArray[Any], concurrent: bool) -> NDArray[np.float32]:
        size = next(size for size in self.sizes if size >= len(pixels))
        filled = np.zeros((size, *pixels.shape[1:]), pixels.dtype)
        filled[: len(pixels)] = pixels
        with self.compiling:
            if (size, concurrent) not in self.graphs:
                self.graphs[size, concurrent] = self._compile(filled.shape, concurrent)
                self.idle[size, concurrent] = []
        idle = self.idle[size, concurrent]
        try:
            request = idle.pop()
        except IndexError:
            request = self.graphs[size, concurrent].create_infer_request()
        found = request.infer({0: filled}, share_inputs=True)[0]
        # A copy: the next call overwrites the request's own memory.
        embeddings = np.array(found[: len(pixels)], dtype=np.float32)
        idle.append(request)
        return embeddings

    def _compile(self, shape: tuple[int, ...], concurrent: bool) -> Any:
        """A graph, compiled when it is first asked for on this kind of processor, and kept for later processes."""
        openvino = import_openvino()
        core = openvino.Core()
        config = {
            "INFERENCE_PRECISION_HINT": "f32" if self.precision == "float32" else "bf16",
            "INFERENCE_NUM_THREADS": self.workers,
            "NUM_STREAMS": self.workers if concurrent else 1,
        }
        made: list[Any] = []

        def compile_graph() -> bytes:
            network = self._network.clone()
            network.reshape(list(shape))
            made.append(core.compile_model(network, "CPU", config))
            exported: bytes = made[0].export_model().getvalue()
            return exported

        question = json.dumps([openvino.__version__, processor.fingerprint(), self._content, shape, config])
        compiled = kept(question, compile_graph)
        return made[0] if made else core.import_model(BytesIO(compiled), "CPU", config)

    @cached_property
    def _network(self) -> Any:
        """As it is in the file: for any number of images."""
        openvino = import_openvino()
        return openvino.Core().read_model(str(self.file))

    @cached_property
    def _content(self) -> list[str]:
        """Hashes of the file, and of the `.bin` beside a `.xml`."""
        files = [self.file, self.file.with_suffix(".bin")] if self.file.suffix == ".xml" else [self.file]
        return [sha256(file) for file in files]


def _for_any_number(network: Any) -> Any:
    """A network for any number of images, whatever its file has, as graphs are compiled for those that are asked for.

    As it is where some of its operations are made for the number that it has.
    """
    if len(network.inputs) != 1 or len(shape := network.inputs[0].get_partial_shape()) < 2 or shape[0].is_dynamic:
        return network
    shape[0], free = -1, network.clone()
    try:
        free.reshape(shape)
    except RuntimeError:
        return network
    return free


def _only_number(network: Any) -> int | None:
    """The only number of images that a network computes, as its input or its output says; None for any number."""
    inputs, outputs = _signature(network)
    return next((size for tensor in (*inputs, *outputs) for size in tensor.shape[:1] if size is not None), None)


def _signature(network: Any) -> Signature:
    inputs, outputs = (tuple(map(_tensor_type, ports)) for ports in (network.inputs, network.outputs))
    return Signature(inputs, outputs)


def _tensor_type(port: Any) -> TensorType:
    """An input or output as OpenVINO tells it: types as u8 and f32."""
    dtype, shape = port.get_element_type().get_type_name(), port.get_partial_shape()
    sizes = () if shape.rank.is_dynamic else tuple(each.get_length() if each.is_static else None for each in shape)
    names = {"u": "uint", "i": "int", "f": "float"}
    return TensorType(names.get(dtype[0], dtype[0]) + dtype[1:], sizes)
