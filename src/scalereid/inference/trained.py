"""A run or weights, opened to embed images: loaded by torch, computed by the runtime that is asked for."""

import os
from pathlib import Path

from scalereid.data.image_size import ImageSize
from scalereid.inference.auto import Candidates
from scalereid.inference.embedding import default_batch_size
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import OpenModel, RuntimeOptions
from scalereid.inference.runtimes import RUNTIMES
from scalereid.models.fingerprint import fingerprint
from scalereid.process import choose_device
from scalereid.runs.checkpoint import LoadedModel, Source, load_checkpoint
from scalereid.runs.run import Run


def open_trained(source: Source, options: RuntimeOptions, image_size: ImageSize | None) -> OpenModel:
    """See `open_model`."""
    loaded = load_checkpoint(source, run_code=options.run_code)
    metadata = describe_model(loaded, source, image_size)
    device = choose_device("cpu" if options.device == "auto" and _is_for_cpu(options) else options.device)
    batch_size = options.batch_size or default_batch_size(device.type)
    candidates, precision = Candidates(loaded, metadata, device), options.precision or "float32"
    if precision == "int8":
        file = Run(Path(source)).int8 if isinstance(source, str | os.PathLike) and Path(source).is_dir() else None
        runtime = candidates.quantized(options.runtime, file, batch_size)
    elif options.runtime == "auto":
        runtime = candidates.fastest(precision, batch_size)
    else:
        runtime = candidates.named(options.runtime, precision)
    return OpenModel(
        runtime=runtime,
        batch_size=batch_size,
        metadata=metadata,
        report=loaded.report,
        attributes=loaded.attributes,
        classes=loaded.classes,
    )


def describe_model(loaded: LoadedModel, source: Source, image_size: ImageSize | None = None) -> ModelMetadata:
    """The metadata of a loaded model, for images of its own size or of `image_size`."""
    size, dataset = image_size or loaded.image_size, loaded.trained.dataset
    # Of the whole path, as `.` has no name. Links keep theirs.
    name = os.path.basename(os.path.abspath(source)) if isinstance(source, str | os.PathLike) else "given tensors"  # noqa: PTH100, PTH119
    return ModelMetadata(
        model=f"{loaded.report.backbone} ({name})",
        fingerprint=fingerprint(loaded.model, size),
        image_size=size,
        embedding_size=loaded.model.embedding_size,
        training=f"{dataset.name} ({dataset.fingerprint})" if dataset else "",
        classes=loaded.report.classes,
        epoch=loaded.trained.epoch,
        recipe=loaded.recipe.text if loaded.recipe else "",
    )


def _is_for_cpu(options: RuntimeOptions) -> bool:
    """Whether what is asked for computes on a CPU only."""
    named = RUNTIMES.get(options.runtime)
    return options.precision == "int8" or (named is not None and [*named.precisions] == ["cpu"])
