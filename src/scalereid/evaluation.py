"""A model on the test side of a dataset: embed, score, rank."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scalereid import assembly
from scalereid.checkpoint import load_checkpoint
from scalereid.data.images import ImageSize, ImageStore, check_image_size
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.process import choose_device
from scalereid.progress import Progress
from scalereid.retrieval.distances import Distance
from scalereid.retrieval.embedding import embed
from scalereid.retrieval.ranking import Ranking, rank
from scalereid.retrieval.scores import Scores, score

_IMAGE_SIZE = (256, 128)  # of released weights, which do not say


@dataclass(frozen=True)
class Evaluation:
    """Scores, and all it takes to get them again."""

    scores: Scores
    query: Tensor
    """(queries, d) embeddings."""
    gallery: Tensor
    """(images, d) embeddings."""
    dataset: ReidDataset
    model: str
    """Where the weights came from, and of which epoch they are."""
    epoch: int | None
    """Epochs they were trained for; None where nobody knows."""
    image_size: ImageSize
    flip: bool

    def rank(self, top: int = 10) -> Ranking:
        """The `top` nearest gallery images of each query."""
        return rank(
            self.query, self.gallery, distance=self.scores.distance, top=top, **self.dataset.people_and_cameras()
        )

    def to_json(self) -> dict[str, Any]:
        """All but the embeddings, as JSON values."""
        return {
            "model": self.model,
            "dataset": describe(self.dataset),
            "image_size": self.image_size,
            "flip": self.flip,
            "scores": self.scores.to_json(),
        }

    def __str__(self) -> str:
        s = self.scores
        ranks = "   ".join(f"rank-{k} {s.rank(k):.2%}" for k in (1, 5, 10, 20))
        without = f" ({s.queries_without_match} without a match, not counted)" if s.queries_without_match else ""
        size = f"{self.image_size[0]}×{self.image_size[1]}{', mirrored too' if self.flip else ''}"
        return (
            f"{self.model} on {self.dataset.name}\n"
            f"mAP {s.mAP:.2%}   mINP {s.mINP:.2%}   {ranks}\n"
            f"{s.queries:,} queries{without}, {len(self.dataset.gallery):,} gallery images; {s.distance} distance, "
            f"{s.protocol} protocol, {size}; dataset {self.dataset.fingerprint()}"
        )


class TestSide:
    """The query and gallery images of a dataset, decoded once and embedded as often as one likes."""

    __test__ = False  # not a test in pytest's sense

    def __init__(self, dataset: ReidDataset, image_size: ImageSize, progress: Progress) -> None:
        self.query_images = decode("query", dataset.query, image_size, progress)
        self.gallery_images = decode("gallery", dataset.gallery, image_size, progress)
        self.dataset = dataset

    def embed(
        self, model: EmbeddingModel, *, flip: bool = False, progress: Progress | None = None
    ) -> tuple[Tensor, Tensor]:
        """Query and gallery embeddings of `model` as it is now; silent without `progress`."""
        images = len(self.query_images) + len(self.gallery_images)
        with progress.stage("embedding", images) if progress else nullcontext(lambda _: None) as advance:
            return (
                embed(model, self.query_images, flip=flip, advance=advance),
                embed(model, self.gallery_images, flip=flip, advance=advance),
            )

    def score(self, query: Tensor, gallery: Tensor, distance: Distance) -> Scores:
        """The scores of such embeddings by the dataset's protocol."""
        return score(
            query, gallery, distance=distance, protocol=self.dataset.protocol, **self.dataset.people_and_cameras()
        )


def evaluate(
    source: str | Path,
    *,
    data: Path,
    dataset: str | None = None,
    distance: Distance | None = None,
    flip: bool = False,
    image_size: ImageSize | None = None,
    device: str = "auto",
    run_code: bool = False,
    progress: Progress,
) -> Evaluation:
    """Score a run or a weights file on a dataset's query and gallery images.

    Args:
        source: a run, a weights file of ours, or one of torchreid's.
        data: the dataset's folder.
        dataset: its name; the one that a run was scored on unless told.
        distance: between embeddings; the recipe's unless told, cosine for torchreid's files.
        flip: add each image's mirror image's embedding to its own.
        image_size: (height, width); the recipe's unless told, 256×128 for torchreid's files.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, …
        run_code: see `load_model`.
        progress: where to show it.

    Raises:
        FileNotFoundError, ValueError: what does not exist or does not fit; the message says what.
    """
    loaded = load_checkpoint(source, run_code=run_code)
    recipe = loaded.recipe
    if not dataset and not recipe:
        raise ValueError(f"{source} does not say what to evaluate it on; name a dataset, e.g. --dataset market1501")
    progress.say(str(loaded.report))
    own = (recipe.evaluation.dataset or recipe.data.dataset) if recipe else ""
    read = assembly.read_dataset(dataset or own, data)
    size = image_size or (recipe.data.image_size if recipe else _IMAGE_SIZE)
    check_image_size(size)
    if not read.query or not read.gallery:
        raise ValueError(
            f"{read.name} has {len(read.query)} query and {len(read.gallery)} gallery images; both are needed"
        )
    model = assembly.place(loaded.model, choose_device(device))
    test = TestSide(read, size, progress)
    query, gallery = test.embed(model, flip=flip, progress=progress)
    epoch = loaded.about.get("epoch")
    return Evaluation(
        scores=test.score(query, gallery, distance or (recipe.evaluation.distance if recipe else "cosine")),
        query=query,
        gallery=gallery,
        dataset=read,
        model=f"{loaded.report.backbone} ({source}{'' if epoch is None else f', epoch {epoch}'})",
        epoch=epoch,
        image_size=size,
        flip=flip,
    )


def describe(dataset: ReidDataset) -> dict[str, Any]:
    """A dataset's name, place, counts and fingerprint, for the record."""
    return {
        "name": dataset.name,
        "root": str(dataset.root.absolute()),
        "counts": {split: counts._asdict() for split, counts in dataset.counts().items()},
        "fingerprint": dataset.fingerprint(),
    }


def decode(what: str, records: tuple[ImageRecord, ...], size: ImageSize, progress: Progress) -> ImageStore:
    """The images of `records`, with a bar while they are read."""
    with progress.stage(f"reading {what} images", len(records)) as advance:
        return ImageStore([record.path for record in records], size, advance=advance)
