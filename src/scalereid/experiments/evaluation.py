"""A model on the test side of a dataset: embed, score, rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scalereid.data.images import ImageSize, check_image_size
from scalereid.data.names import splits_of
from scalereid.data.protocols import Protocol
from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import PeopleAndCameras, ReidDataset
from scalereid.inference.query_gallery import TestSide, describe
from scalereid.models.building import to_device
from scalereid.models.fingerprint import fingerprint
from scalereid.process import choose_device
from scalereid.progress import Progress
from scalereid.retrieval.cameras import CameraPair, score_camera_pairs
from scalereid.retrieval.distances import Distance
from scalereid.retrieval.expansion import augment_gallery, expand_queries, pool_people
from scalereid.retrieval.ranking import Ranking, rank
from scalereid.retrieval.reranking import Reranking, cannot_help
from scalereid.retrieval.scores import Precision, Scores, score
from scalereid.runs.checkpoint import LoadedModel, load_checkpoint


@dataclass(frozen=True)
class Evaluation:
    """Scores, and all it takes to get them again."""

    scores: Scores
    query: Tensor
    """(queries, d) embeddings, of a tracklet the mean of its images'."""
    gallery: Tensor
    """(images or tracklets, d) embeddings."""
    labels: PeopleAndCameras
    """Whom the rows of `query` and `gallery` show, and from which cameras."""
    dataset: ReidDataset
    model: str
    """Where the weights came from, and of which epoch they are."""
    epoch: int | None
    """Epochs they were trained for; None where nobody knows."""
    image_size: ImageSize
    flip: bool
    fingerprint: str
    """Of weights and image size."""
    neighbours: str
    """What was done to the embeddings with those of neighbours, in words; empty for nothing."""

    def rank(self, top: int = 10) -> Ranking:
        """The `top` nearest gallery images of each query."""
        return rank(
            self.query,
            self.gallery,
            distance=self.scores.distance,
            protocol=self.scores.protocol,
            top=top,
            **self.labels,
        )

    def camera_pairs(self) -> list[CameraPair]:
        """How well each camera's queries are found among each other camera's images, worst first."""
        labels = {name: values for name, values in self.labels.items() if not name.endswith("_images")}
        return score_camera_pairs(self.query, self.gallery, distance=self.scores.distance, **labels)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """All but the embeddings, as JSON values."""
        return {
            "model": self.model,
            "dataset": describe(self.dataset),
            "image_size": self.image_size,
            "flip": self.flip,
            "model_fingerprint": self.fingerprint,
            "neighbours": self.neighbours,
            "scores": self.scores.to_json(),
        }

    def __str__(self) -> str:
        s = self.scores
        ranks = "   ".join(f"rank-{k} {s.rank(k):.2%}" for k in (1, 5, 10, 20))
        without = f" ({s.queries_without_match} without a match, not counted)" if s.queries_without_match else ""
        size = f"{self.image_size[0]}×{self.image_size[1]}{', mirrored too' if self.flip else ''}"
        size += f", {self.neighbours}" if self.neighbours else ""
        what = "gallery images" if len(self.gallery) == len(self.dataset.gallery) else "gallery images and tracklets"
        left_out = "".join(f"\nleft out: {files:,} {why}" for why, files in sorted(self.dataset.left_out.items()))
        return (
            f"{self.model} on {self.dataset.name}\n"
            f"mAP {s.mAP:.2%}   mINP {s.mINP:.2%}   {ranks}\n"
            f"{s.queries:,} queries{without}, {len(self.gallery):,} {what}; {s.how()}, {size}; "
            f"dataset {self.dataset.fingerprint()}{left_out}"
        )


@dataclass(frozen=True, kw_only=True)
class How:
    """How to evaluate, where that is not as the model's recipe and the dataset say."""

    distance: Distance | None = None
    """Between embeddings; the recipe's unless told, cosine for torchreid's files."""
    protocol: Protocol | None = None
    """What of the gallery counts; the recipe's or the dataset's unless told."""
    average_precision: Precision = "at-matches"
    """See `score`."""
    flip: bool = False
    """Add each image's mirror image's embedding to its own."""
    image_size: ImageSize | None = None
    """(height, width); the recipe's unless told, 256×128 for torchreid's files."""
    rerank: Reranking | None = None
    """Re-rank with k-reciprocal encoding."""
    expand_queries: int = 0
    """Add so many of its nearest gallery images to each query."""
    augment_gallery: int = 0
    """Add so many of its nearest others to each gallery image."""
    alpha: float = 0.0
    """Weigh such neighbours by their cosine to this power."""
    multi_query: bool = False
    """Pool all queries of a person from a camera."""

    def neighbours(self) -> str:
        """What is done to the embeddings with those of neighbours, in words."""
        said = ["queries of a person and camera pooled"] if self.multi_query else []
        said += [f"gallery augmented by {self.augment_gallery}"] if self.augment_gallery else []
        said += [f"queries expanded by {self.expand_queries}"] if self.expand_queries else []
        return ", ".join(said) + (f" (α {self.alpha:g})" if self.expand_queries or self.augment_gallery else "")


def evaluate(
    source: str | Path,
    *,
    data: Path,
    dataset: str | None = None,
    how: How = How(),
    device: str = "auto",
    run_code: bool = False,
    progress: Progress,
) -> Evaluation:
    """Score a run or a weights file on one dataset, or one split of one; for the rest see `evaluate_all`.

    Raises:
        FileNotFoundError, ValueError: as `evaluate_all` does; or the dataset has several splits and none is named.
    """
    names = [dataset] if dataset else []
    evaluated = evaluate_all(
        source, data=data, datasets=names, how=how, device=device, run_code=run_code, progress=progress
    )
    [(name, evaluations)] = evaluated.items()
    if len(evaluations) > 1:
        raise ValueError(f"{name} has {len(evaluations)} splits; name one of them, like {name}#1")
    return evaluations[0]


def evaluate_all(
    source: str | Path,
    *,
    data: Path,
    datasets: Sequence[str],
    how: How = How(),
    device: str = "auto",
    run_code: bool = False,
    progress: Progress,
) -> dict[str, list[Evaluation]]:
    """Score a run or a weights file on the query and gallery images of datasets.

    Args:
        source: a run, a weights file of ours, or one of torchreid's.
        data: the datasets' folder.
        datasets: their names; if none, the one that a run was scored on.
        how: distance, protocol and the like.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, …
        run_code: see `load_model`.
        progress: where to show it.

    Returns:
        For each name its evaluation; where the name is of a dataset with several splits, and no split is named, one for each
        of them.

    Raises:
        FileNotFoundError, ValueError: what does not exist or does not fit; the message says what.
    """
    loaded = load_checkpoint(source, run_code=run_code)
    recipe = loaded.recipe
    if not datasets:
        if not recipe:
            raise ValueError(f"{source} does not say what to evaluate it on; name a dataset, e.g. --dataset market1501")
        datasets = (recipe.evaluation.dataset or recipe.data.dataset,)
    progress.say(str(loaded.report))
    check_image_size(how.image_size or loaded.image_size)
    to_device(loaded.model, choose_device(device))
    return {
        name: [
            _evaluate(loaded, str(source), _read(split, data, how, loaded), how, progress) for split in splits_of(name)
        ]
        for name in datasets
    }


def _read(name: str, data: Path, how: How, loaded: LoadedModel) -> ReidDataset:
    recipe = loaded.recipe
    is_own = recipe and name == (recipe.evaluation.dataset or recipe.data.dataset)
    own = recipe.evaluation.protocol if recipe and is_own else "dataset"
    read = with_protocol(read_dataset(name, data), how.protocol or own)
    if not read.query or not read.gallery:
        raise ValueError(
            f"{read.name} has {len(read.query)} query and {len(read.gallery)} gallery images; both are needed"
        )
    return read


def _evaluate(loaded: LoadedModel, source: str, dataset: ReidDataset, how: How, progress: Progress) -> Evaluation:
    size = how.image_size or loaded.image_size
    distance = how.distance or (loaded.recipe.evaluation.distance if loaded.recipe else "cosine")
    if distance != "cosine" and (how.expand_queries or how.augment_gallery):
        raise ValueError("queries and gallery that neighbours are added to have length 1: add --distance cosine")
    learned = loaded.about.get("dataset", {}).get("name", "")
    if "#" in learned and learned != dataset.name and learned.partition("#")[0] == dataset.name.partition("#")[0]:
        progress.say(f"warning: this model was trained on {learned}, so on some of the people of {dataset.name}")
    test = TestSide(dataset, size, progress)
    query, gallery = test.embed(loaded.model, flip=how.flip, progress=progress)
    labels = dataset.people_and_cameras()
    if how.multi_query and dataset.protocol == "all-cameras":
        raise ValueError("with the all-cameras protocol pooled queries would find themselves; leave --multi-query out")
    if how.multi_query:
        query, first = pool_people(query, labels["query_pids"], labels["query_camids"])
        for key in ("query_pids", "query_camids", "query_images"):
            labels[key] = labels[key][first]
        progress.say(f"{len(dataset.query):,} query images pooled into {len(first):,}")
    if how.augment_gallery:
        gallery = augment_gallery(gallery, top=how.augment_gallery, alpha=how.alpha)
    if how.expand_queries:
        query = expand_queries(query, gallery, top=how.expand_queries, alpha=how.alpha)
    if how.rerank and cannot_help(labels["gallery_pids"]):
        progress.say("everybody has one gallery image, so re-ranking has nothing to go by: expect no gain, or a loss")
    epoch = loaded.about.get("epoch")
    return Evaluation(
        scores=score(
            query,
            gallery,
            distance=distance,
            protocol=dataset.protocol,
            average_precision=how.average_precision,
            rerank=how.rerank,
            **labels,
        ),
        query=query,
        gallery=gallery,
        labels=labels,
        dataset=dataset,
        model=f"{loaded.report.backbone} ({source}{'' if epoch is None else f', epoch {epoch}'})",
        epoch=epoch,
        image_size=size,
        flip=how.flip,
        fingerprint=fingerprint(loaded.model, size),
        neighbours=how.neighbours(),
    )
