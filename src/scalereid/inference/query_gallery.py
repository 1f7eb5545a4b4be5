"""The images that a model is scored on, decoded once and embedded as often as wanted."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from scalereid.data.framing import Framing
from scalereid.data.image_size import ImageSize
from scalereid.data.images import Advance, ImageStore
from scalereid.data.records import ImageRecord, ReidDataset, tracklet_of
from scalereid.data.shapes import ShapeCount
from scalereid.inference.embedding import BatchedRuntime, PixelEmbedder, default_batch_size, embed_store
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.progress import Progress
from scalereid.retrieval.labelled import LabelledEmbeddings, with_labels
from scalereid.retrieval.pooling import pool_tracklets


class QueryGallery:
    """The query and gallery images of a dataset, resized for a model.

    Attributes:
        shapes: Counts the images that are decoded, and those that do not have the shape of a person.
    """

    def __init__(
        self,
        dataset: ReidDataset,
        image_size: ImageSize,
        progress: Progress | None = None,
        framing: Framing = "stretch",
    ) -> None:
        self.dataset, self.shapes = dataset, ShapeCount()
        self.query_images, self.gallery_images = (
            _decode(name, [record.path for record in dataset.splits[name]], image_size, self.shapes, progress, framing)
            for name in ("query", "gallery")
        )

    def embed(
        self, model: BatchedRuntime, *, flip: bool = False, progress: Progress | None = None
    ) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
        """Embeddings of query and gallery, not L2-normalised, the images of a tracklet pooled; `model` from `open_model`.

        `flip` adds each image's mirror image's embedding to its own.

        Raises:
            ValueError: An embedding is not finite; the message names its image.
        """
        embedder = PixelEmbedder(runtime=model.runtime, batch_size=model.batch_size, flip=flip)
        images = len(self.query_images) + len(self.gallery_images)
        with progress.stage("embedding", images) if progress else nullcontext(lambda _: None) as advance:
            query = _embed(embedder, self.query_images, advance)
            gallery = _embed(embedder, self.gallery_images, advance)
        if not len(query):  # as of images for attributes alone, who have no queries
            query = gallery[:0]
        return _labelled(self.dataset, query, gallery)


def embed_splits(
    model: BatchedRuntime,
    datasets: Sequence[ReidDataset],
    image_size: ImageSize,
    *,
    shapes: ShapeCount,
    flip: bool = False,
    progress: Progress | None = None,
) -> list[tuple[LabelledEmbeddings, LabelledEmbeddings]]:
    """Query and gallery of each split of a dataset, as `QueryGallery.embed` gives them; each image is embedded once for all.

    `shapes` counts the images that are decoded.

    Raises:
        ValueError: An embedding is not finite; the message names its image.
    """
    paths = dict.fromkeys(record.path for dataset in datasets for record in (*dataset.query, *dataset.gallery))
    store = _decode(f"{len(datasets)} splits'", [*paths], image_size, shapes, progress)
    embedder = PixelEmbedder(runtime=model.runtime, batch_size=model.batch_size, flip=flip)
    with (progress or Progress.silent()).stage("embedding", len(store)) as advance:
        embeddings = _embed(embedder, store, advance)
    row = {path: i for i, path in enumerate(paths)}
    return [
        _labelled(
            dataset, *(embeddings[[row[r.path] for r in records]] for records in (dataset.query, dataset.gallery))
        )
        for dataset in datasets
    ]


def live_embedder(model: EmbeddingModel) -> BatchedRuntime:
    """A model as it is now in training, which it leaves untouched: the same embeddings as of its saved weights with torch."""
    device = next(model.parameters()).device
    runtime = PyTorchRuntime(model, "float32", device, capture=False)  # a capture would be used only once
    return BatchedRuntime(runtime=runtime, batch_size=default_batch_size(device.type))


def _decode(
    name: str,
    paths: Sequence[Path],
    image_size: ImageSize,
    shapes: ShapeCount,
    progress: Progress | None,
    framing: Framing = "stretch",
) -> ImageStore:
    shown = progress if progress and paths else Progress.silent()
    with shown.stage(f"reading {name} images", len(paths)) as advance:
        return ImageStore(paths, image_size, shapes=shapes, framing=framing, advance=advance)


def _embed(embedder: PixelEmbedder, store: ImageStore, advance: Advance) -> Tensor:
    return torch.from_numpy(embed_store(embedder, store, advance))


def _labelled(dataset: ReidDataset, query: Tensor, gallery: Tensor) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
    """Embeddings of query and gallery images with their labels, the images of a tracklet pooled."""
    return with_labels(dataset, _pooled(query, dataset.query), _pooled(gallery, dataset.gallery))


def _pooled(embeddings: Tensor, records: Sequence[ImageRecord]) -> Tensor:
    has_tracklets = any(record.tracklet is not None for record in records)
    return pool_tracklets(embeddings, tracklet_of(records)) if has_tracklets else embeddings
