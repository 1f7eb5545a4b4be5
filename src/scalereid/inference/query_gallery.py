"""The images that a model is scored on, decoded once, and what a dataset is, for the record."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from torch import Tensor

from scalereid.data.images import Advance, ImageSize, ImageStore
from scalereid.data.records import ImageRecord, ReidDataset, tracklet_of
from scalereid.inference.embedding import embed, pool_tracklets
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.progress import Progress
from scalereid.retrieval.distances import Distance
from scalereid.retrieval.scores import Scores, score


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
                self._embed(model, self.dataset.query, self.query_images, flip, advance),
                self._embed(model, self.dataset.gallery, self.gallery_images, flip, advance),
            )

    def score(self, query: Tensor, gallery: Tensor, distance: Distance) -> Scores:
        """The scores of such embeddings by the dataset's protocol."""
        return score(
            query, gallery, distance=distance, protocol=self.dataset.protocol, **self.dataset.people_and_cameras()
        )

    @staticmethod
    def _embed(
        model: EmbeddingModel, records: Sequence[ImageRecord], images: ImageStore, flip: bool, advance: Advance
    ) -> Tensor:
        return TestSide.pooled(embed(model, images, flip=flip, advance=advance), records)

    @staticmethod
    def pooled(embeddings: Tensor, records: Sequence[ImageRecord]) -> Tensor:
        """One embedding a tracklet, where there are any."""
        has_tracklets = any(record.tracklet is not None for record in records)
        return pool_tracklets(embeddings, tracklet_of(records)) if has_tracklets else embeddings


def describe(dataset: ReidDataset) -> dict[str, Any]:
    """A dataset's name, place, counts and fingerprint, for the record."""
    return {
        "name": dataset.name,
        "root": str(dataset.root.absolute()),
        "counts": {split: counts._asdict() for split, counts in dataset.counts().items()},
        "left_out": dict(dataset.left_out),
        "protocol": dataset.protocol,
        "fingerprint": dataset.fingerprint(),
    }


def decode(what: str, records: tuple[ImageRecord, ...], size: ImageSize, progress: Progress) -> ImageStore:
    """The images of `records`, with a bar while they are read."""
    with progress.stage(f"reading {what} images", len(records)) as advance:
        return ImageStore([record.path for record in records], size, advance=advance)
