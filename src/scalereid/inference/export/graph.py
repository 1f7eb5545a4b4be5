"""A model as one graph, from pixels to embeddings: torch's own, and ONNX."""

import hashlib
import json
import logging
import threading
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from scalereid.data.images import default_cache_folder
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.files import remove_leftovers, require_writable, sha256, write
from scalereid.inference.export.onnx_model import BATCH, OPSET, OUTPUT, onnx_model
from scalereid.inference.export.recording import INPUT, NotRecordedError, record
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.stored_layers import NO_LAYERS, Layers, texts_of
from scalereid.lookup import own_file
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import fuse_batch_norms
from scalereid.packages import require
from scalereid.runs.checkpoint import LoadedModel
from scalereid.runs.recipe import ModelSettings

VERSION = 2  # of what graphs compute; cached graphs of another version are not used
_TRACING = threading.Lock()  # torch traces one network at a time in a process


class PixelModel(nn.Module):
    """A model with normalisation inside: RGB uint8 (n, height, width, 3) to embeddings (n, d)."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: EmbeddingModel) -> None:
        super().__init__()
        self.model = fuse_batch_norms(model)
        self.register_buffer("mean", 255 * torch.tensor(PIXEL_MEAN))
        self.register_buffer("std", 255 * torch.tensor(PIXEL_STD))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings, not L2-normalised."""
        # Contiguous: from channels-last maps the exporter would write each pooling as a gather by index.
        return self.model(((pixels.float() - self.mean) / self.std).permute(0, 3, 1, 2).contiguous())


def traced(model: EmbeddingModel, metadata: ModelMetadata) -> torch.export.ExportedProgram:
    """A model as torch's own graph for any number of images: of pixels or of normalised images, as `metadata` says."""
    return _traced(*_network(model, metadata))


def _traced(network: nn.Module, image: Tensor) -> torch.export.ExportedProgram:
    # Two images: with one, the exporter would take the batch size for a constant.
    images, batch = image.repeat_interleave(2, dim=0), ({0: torch.export.Dim(BATCH, min=1, max=65_536)},)
    return torch.export.export(network, (images,), dynamic_shapes=batch)


def _network(model: EmbeddingModel, metadata: ModelMetadata) -> tuple[nn.Module, Tensor]:
    """What is written of a model, and an image for it."""
    height, width = metadata.image_size
    if metadata.takes_pixels:
        return PixelModel(model), torch.zeros(1, height, width, 3, dtype=torch.uint8)
    return fuse_batch_norms(model), torch.zeros(1, 3, height, width)


def write_onnx(model: EmbeddingModel, metadata: ModelMetadata, file: Path, layers: Layers = NO_LAYERS) -> None:
    """Write a model as ONNX with a free batch size, and `metadata` and `layers` in the file's metadata.

    Networks of the functions in `operators.py` are written from a record of their calls, in a fiftieth of the time that torch's
    exporter takes, which writes all others.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    require("onnx", "onnxscript", extra="export")
    import onnx

    network, image = _network(model, metadata)
    try:
        written = onnx_model(record(network, image), image)
    except NotRecordedError:
        written = _exported(network, image)
    onnx.helper.set_model_props(written, texts_of(metadata, layers))
    onnx.save_model(written, str(file))


def _exported(network: nn.Module, image: Tensor) -> Any:
    """A network as torch's exporter writes it."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own parts, and of a missing torchvision
            program = torch.onnx.export(
                _traced(network, image),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: BATCH},),  # its name in the file
            )
    finally:
        log.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    return program.model_proto


def cached_onnx(loaded: LoadedModel, metadata: ModelMetadata) -> Path:
    """The ONNX file of a model, written once and kept in the cache folder, with its checksum beside it.

    A damaged one is written again.

    Raises:
        OSError: The folder cannot be written; SCALEREID_CACHE in the environment names another.
    """
    file = graph_file(loaded, metadata)
    checksum = file.with_name(f"{file.name}.sha256")
    with _TRACING:
        remove_leftovers(file.parent)
        if not (file.is_file() and checksum.is_file() and checksum.read_bytes() == _checksum(file)):
            require_writable(file)
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, lambda partial: write_onnx(loaded.model, metadata, partial))
            write(checksum, lambda partial: partial.write_bytes(_checksum(file)))
    return file


def _checksum(file: Path) -> bytes:
    """A line as the program sha256sum writes and checks it."""
    return f"{sha256(file)}  {file.name}\n".encode()


def graph_file(loaded: LoadedModel, metadata: ModelMetadata) -> Path:
    """The name of that file, which changes with weights, image size, settings of the network, code and versions."""
    networks = ""
    for network, recipe in zip(loaded.model.networks, (loaded.recipe, loaded.peer), strict=False):
        if recipe:
            networks += f"-{_fingerprint_of_network(network.backbone, recipe.model)}"
    return default_cache_folder() / "graphs" / f"{metadata.fingerprint}{networks}-{VERSION}-{torch.__version__}.onnx"


def _fingerprint_of_network(backbone: nn.Module, settings: ModelSettings) -> str:
    """Hash of a network's settings, and with options or of one's own of the files that define it and its base classes.

    Others may make another network of the same weights: a pooling has none, for example.
    """
    name = settings.backbone.rpartition(":")[2]  # wherever its file lies
    values = replace(settings, backbone=name, initial_weights="", checkpointing=False)  # the last two are of training
    code: list[bytes] = []
    if settings.options or own_file(settings.backbone):
        functions = [
            part for kind in type(backbone).__mro__ for part in vars(kind).values() if isinstance(part, FunctionType)
        ]
        files = sorted({Path(function.__code__.co_filename) for function in functions})
        code = [file.read_bytes() for file in files if file.is_file()]
    return hashlib.sha256(b"".join([json.dumps(asdict(values)).encode(), *code])).hexdigest()[:12]
