"""A model on the query and gallery images of a dataset: embed, score, rank."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from scalereid.arguments import check_kind
from scalereid.data.names import splits_of
from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import ReidDataset
from scalereid.data.shapes import ShapeCount
from scalereid.experiments.cautions import find_cautions
from scalereid.experiments.options import EvaluationOptions
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import OpenModel, RuntimeOptions, default_runtime, open_model
from scalereid.inference.query_gallery import QueryGallery, embed_splits
from scalereid.progress import Progress
from scalereid.retrieval import Distance
from scalereid.retrieval.cameras import CameraPair, score_camera_pairs
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.ranking import Ranking, rank
from scalereid.retrieval.reranking import cannot_help
from scalereid.retrieval.scores import Scores, score
from scalereid.runs.checkpoint import Source
from scalereid.runs.facts import describe
from scalereid.runs.saved_recipe import SavedRecipe
from scalereid.runs.trust import require_trust
from scalereid.wording import counted


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores, and what they were made with."""

    scores: Scores
    query: LabelledEmbeddings
    """One row per query image or tracklet, neighbours included where options say so."""
    gallery: LabelledEmbeddings
    dataset: ReidDataset
    model: OpenModel
    options: EvaluationOptions
    cautions: tuple[str, ...] = ()
    """Sentences that say why the scores may mean less than they seem to; empty if nothing is known that speaks against them."""

    def __repr__(self) -> str:
        scores = self.scores
        return (
            f"<Evaluation of {self.model.metadata.model} on {self.dataset.name}: "
            f"mAP {scores.mAP:.2%}, rank-1 {scores.rank(1):.2%}>"
        )

    def rank(self, top: int = 10) -> Ranking:
        """The `top` nearest gallery images of each query."""
        return rank(self.query, self.gallery, distance=self.scores.distance, protocol=self.scores.protocol, top=top)

    def camera_pairs(self) -> list[CameraPair]:
        """Scores of each camera's queries among each other camera's gallery images, worst mAP first."""
        scores = self.scores
        return score_camera_pairs(self.query, self.gallery, distance=scores.distance, ap_rule=scores.ap_rule)

    def to_json(self) -> dict[str, Any]:
        """All but the embeddings, as JSON values."""
        metadata = self.model.metadata
        return {
            "model": metadata.model,
            "epoch": metadata.epoch,
            "model_fingerprint": metadata.fingerprint,
            "runtime": self.model.runtime.name,
            "precision": self.model.runtime.precision,
            "dataset": describe(self.dataset).to_json(),
            "image_size": metadata.image_size,
            "pixels": asdict(metadata.pixels) if metadata.pixels else None,
            "flip": self.options.flip,
            "neighbours": self.options.neighbours(),
            "scores": self.scores.to_json(),
            "cautions": list(self.cautions),
        }

    def __str__(self) -> str:
        scores, metadata = self.scores, self.model.metadata
        epoch = "" if metadata.epoch is None else f", epoch {metadata.epoch}"
        ranks = "   ".join(f"rank-{k} {scores.rank(k):.2%}" for k in (1, 5, 10, 20))
        unmatched = scores.queries_without_match
        without = f" ({unmatched:,} without a match, not counted)" if unmatched else ""
        height, width = metadata.image_size
        how = [scores.how(), f"{height}×{width}{', mirrored too' if self.options.flip else ''}"]
        how += [f"pixels {metadata.pixels}"] if metadata.pixels else []
        how += [words] if (words := self.options.neighbours()) else []
        images_only = len(self.gallery) == len(self.dataset.gallery)
        what = ("gallery image", "") if images_only else ("gallery tracklet", "gallery images and tracklets")
        cautions = "".join(f"\ncaution: {sentence}" for sentence in self.cautions)
        left_out = "".join(f"\nleft out: {files:,} {why}" for why, files in sorted(self.dataset.left_out.items()))
        return (
            f"{metadata.model}{epoch} on {self.dataset.name}\n"
            f"mAP {scores.mAP:.2%}   mINP {scores.mINP:.2%}   {ranks}\n"
            f"{counted(scores.queries, 'query', 'queries')}{without}, {counted(len(self.gallery), *what)}; {'; '.join(how)}; "
            f"dataset {self.dataset.fingerprint()}{left_out}{cautions}"
        )


def evaluate(
    source: Source,
    *,
    data: str | Path,
    dataset: str | None = None,
    options: EvaluationOptions = EvaluationOptions(),
    runtime: RuntimeOptions | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a model on one dataset, or one split of one; for the arguments see `evaluate_all`.

    Raises:
        FileNotFoundError, ValueError: As `evaluate_all` raises; or the dataset has several splits and none is named.
    """
    check_kind("dataset", dataset, str, or_none=True)
    progress = progress or Progress.silent()
    model, read = _open_and_read(source, data, [dataset] if dataset else [], options, runtime, progress)
    [(name, splits)] = read.items()
    if len(splits) > 1:
        raise ValueError(f"{name} has {len(splits)} splits; name one of them, such as {name}#1")
    [evaluation] = _evaluate_splits(model, splits, options, progress)
    return evaluation


def evaluate_all(
    source: Source,
    *,
    data: str | Path,
    datasets: Sequence[str] = (),
    options: EvaluationOptions = EvaluationOptions(),
    runtime: RuntimeOptions | None = None,
    progress: Progress | None = None,
) -> dict[str, list[Evaluation]]:
    """Score a model on the query and gallery images of datasets.

    Args:
        source: A run, a weights file of ours or torchreid's, or an exported file; one of others where `runtime` has its pixels.
        data: The folder of the datasets.
        datasets: Names of datasets. Defaults to the one that a run was scored on.
        options: Distance, protocol, re-ranking and the like.
        runtime: What computes the embeddings. Defaults to torch, or the runtime of an exported file.
        progress: Where to show progress. Defaults to nowhere.

    Returns:
        The evaluation of each dataset by its name; one for each split where a dataset has several and none is named.

    Raises:
        FileNotFoundError, ValueError: Something does not exist or does not fit; the message says what.
        ModuleNotFoundError: The runtime is not installed.
    """
    progress = progress or Progress.silent()
    model, read = _open_and_read(source, data, datasets, options, runtime, progress)
    return {name: _evaluate_splits(model, splits, options, progress) for name, splits in read.items()}


def own_dataset(metadata: ModelMetadata, *, run_code: bool = False) -> str:
    """The dataset that a model's recipe is scored on.

    Raises:
        ValueError: It has no recipe, or a file of code reads the dataset, and `run_code` is False.
    """
    if not metadata.recipe:
        raise ValueError(f"{metadata.model} does not say what to evaluate it on; name a dataset, such as 'market1501'")
    name = SavedRecipe(metadata.recipe).dataset
    require_trust({"dataset": name}, metadata.model, run_code=run_code)
    return name


def _open_and_read(
    source: Source,
    data: str | Path,
    names: Sequence[str],
    options: EvaluationOptions,
    runtime: RuntimeOptions | None,
    progress: Progress,
) -> tuple[OpenModel, dict[str, list[ReidDataset]]]:
    """The model, and the splits of each dataset by its name: whatever does not fit is found before anything is embedded."""
    check_kind("options", options, EvaluationOptions)
    check_kind("runtime", runtime, RuntimeOptions, or_none=True)
    model = open_model(
        source,
        runtime or RuntimeOptions(runtime=default_runtime(source)),
        image_size=options.image_size,
    )
    if model.report:
        progress.detail(str(model.report))
    names = names or [own_dataset(model.metadata, run_code=runtime is not None and runtime.run_code)]
    read = {name: [_read(model, split, Path(data), options) for split in splits_of(name)] for name in names}
    for dataset in chain.from_iterable(read.values()):
        options.check(_distance(model, options), dataset.protocol)
    return model, read


def _distance(model: OpenModel, options: EvaluationOptions) -> Distance:
    return options.distance or (model.recipe.distance if model.recipe else "cosine")


def _evaluate_splits(
    model: OpenModel, datasets: Sequence[ReidDataset], options: EvaluationOptions, progress: Progress
) -> list[Evaluation]:
    """The evaluation of each split of a dataset, or of a dataset that has only one."""
    image_size = model.metadata.image_size
    if len(datasets) == 1:
        images = QueryGallery(datasets[0], image_size, progress)
        shapes, embedded = images.shapes, [images.embed(model, flip=options.flip, progress=progress)]
    else:
        shapes = ShapeCount()
        embedded = embed_splits(model, datasets, image_size, flip=options.flip, shapes=shapes, progress=progress)
    found = []
    for dataset, sides in zip(datasets, embedded, strict=True):
        query, gallery = options.apply(*sides, progress)
        scores = _score(query, gallery, dataset, _distance(model, options), options, progress)
        cautions = find_cautions(model, dataset, scores, shapes)
        found.append(Evaluation(scores, query, gallery, dataset, model, options, cautions))
    return found


def _read(model: OpenModel, name: str, data: Path, options: EvaluationOptions) -> ReidDataset:
    """A dataset to score on, with the protocol of the options or else of the model's recipe."""
    own = model.recipe.protocol if model.recipe and name == model.recipe.dataset else "dataset"
    dataset = with_protocol(read_dataset(name, data), options.protocol or own)
    if dataset.classes:
        raise ValueError(
            f"{dataset.name} has classes, not people who are found again; score it by the command classify"
        )
    if not dataset.query or not dataset.gallery:
        raise ValueError(
            f"{dataset.name} has {len(dataset.query)} query and {len(dataset.gallery)} gallery images; both are needed"
        )
    return dataset


def _score(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    dataset: ReidDataset,
    distance: Distance,
    options: EvaluationOptions,
    progress: Progress,
) -> Scores:
    if options.rerank and cannot_help(gallery):
        progress.say(
            "Each person has one gallery image, so k-reciprocal neighbours carry no signal: expect no gain from re-ranking."
        )
    return score(
        query, gallery, distance=distance, protocol=dataset.protocol, ap_rule=options.ap_rule, rerank=options.rerank
    )
