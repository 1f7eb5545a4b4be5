"""A classifier at work: the classes of pictures, and how well it classifies the test images of a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_kind
from scalereid.classification.layer import ClassLayer
from scalereid.classification.scores import ClassScores, score_classes
from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import own_dataset
from scalereid.inference.embedding import PixelEmbedder, embed_store
from scalereid.inference.opening import OpenModel, RuntimeOptions, default_runtime, open_model
from scalereid.progress import Progress
from scalereid.runs.checkpoint import Source
from scalereid.runs.facts import describe


@dataclass(frozen=True, eq=False)
class Classified:
    """Probabilities of classes, and what they were made with."""

    probabilities: NDArray[np.float32]
    """(n, classes), in the order of the pictures."""
    classes: tuple[str, ...]
    model: str
    """Backbone and source of the weights."""
    model_fingerprint: str


@dataclass(frozen=True, eq=False)
class ClassEvaluation:
    """Scores of a classifier, and what they were made with."""

    scores: ClassScores
    model: str
    model_fingerprint: str
    dataset: ReidDataset

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "model": self.model,
            "model_fingerprint": self.model_fingerprint,
            "dataset": describe(self.dataset).to_json(),
            "scores": self.scores.to_json(),
        }


def classify(
    source: Source,
    paths: Sequence[Path],
    *,
    runtime: RuntimeOptions | None = None,
    progress: Progress | None = None,
) -> Classified:
    """Probabilities of the classes of pictures, framed as the test images of the model's training were.

    Raises:
        FileNotFoundError: The model does not exist.
        ValueError: It is no classifier, or a picture cannot be read; the message names it.
    """
    model, layer = _open(source, runtime)
    none = np.empty((0, layer.weight.shape[1]), np.float32)
    embeddings = _embed(model, paths, progress or Progress.silent()) if paths else none
    return Classified(layer(embeddings), layer.names, model.metadata.model, model.metadata.fingerprint)


def evaluate_classes(
    source: Source,
    *,
    data: str | Path,
    dataset: str | None = None,
    runtime: RuntimeOptions | None = None,
    progress: Progress | None = None,
) -> ClassEvaluation:
    """Score a classifier on the test images of a dataset.

    Args:
        source: A run or a weights file of a training on a dataset of classes, or a file exported from one.
        data: The folder of the dataset.
        dataset: Name of the dataset. Defaults to the one that the run was scored on.
        runtime: What computes the embeddings. Defaults to torch.
        progress: Where to show progress. Defaults to nowhere.

    Raises:
        FileNotFoundError, ValueError: Something does not exist or does not fit; the message says what.
    """
    check_kind("dataset", dataset, str, or_none=True)
    model, layer = _open(source, runtime)
    if dataset is None:
        dataset = own_dataset(model.metadata, run_code=bool(runtime and runtime.run_code))
    read = read_dataset(dataset, Path(data))
    if read.classes != layer.names:
        raise ValueError(
            f"{read.name} has {_words(read.classes)}, but the model has learned {_words(layer.names)}; name a dataset with "
            "the same classes"
        )
    if not read.gallery:
        raise ValueError(f"{read.name} has no test images; expected some in a folder test or val")
    labels = np.fromiter((record.pid for record in read.gallery), np.int64)
    embeddings = _embed(model, [record.path for record in read.gallery], progress or Progress.silent())
    return ClassEvaluation(
        score_classes(layer.logits(embeddings), labels), model.metadata.model, model.metadata.fingerprint, read
    )


def _open(source: Source, runtime: RuntimeOptions | None) -> tuple[OpenModel, ClassLayer]:
    model = open_model(source, runtime or RuntimeOptions(runtime=default_runtime(source)))
    if model.classes is None:
        raise ValueError(
            f"{model.metadata.model} is no classifier; give a run or weights trained on a dataset of classes, or a file "
            "exported from such"
        )
    return model, model.classes


def _embed(model: OpenModel, paths: Sequence[Path], progress: Progress) -> NDArray[np.float32]:
    framing = model.recipe.framing if model.recipe else "stretch"
    with progress.stage("reading images", len(paths)) as advance:
        store = ImageStore(paths, model.metadata.image_size, framing=framing, advance=advance)
    with progress.stage("classifying", len(paths)) as advance:
        return embed_store(PixelEmbedder(runtime=model.runtime, batch_size=model.batch_size), store, advance)


def _words(classes: Sequence[str]) -> str:
    some = ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
    return f"{len(classes):,} classes ({some})" if classes else "people"
