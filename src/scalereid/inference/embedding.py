"""Images to embeddings, in batches, with a model as it is."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.augmentation import normalise
from scalereid.data.images import Advance, ImageStore, read_ahead
from scalereid.models.embedding_model import EmbeddingModel

BATCH_SIZES = {"cpu": 16, "cuda": 256}  # a CPU is fastest while a batch's maps stay in its caches


@torch.inference_mode()
def embed(
    model: EmbeddingModel,
    store: ImageStore,
    *,
    flip: bool = False,
    batch_size: int | None = None,
    advance: Advance = lambda _: None,
) -> Tensor:
    """One row per image of `store`, in its order: float32 (n, embedding_size) in host memory, not normalised.

    `flip` adds each image's mirror image's embedding to its own. The model is put in evaluation mode for the call and
    left as it was.

    Raises:
        ValueError: an embedding is not finite.
    """
    device = next(model.parameters()).device
    size = batch_size or BATCH_SIZES.get(device.type, 64)
    batches = [np.arange(start, min(start + size, len(store))) for start in range(0, len(store), size)]
    embeddings = torch.empty(len(store), model.embedding_size)
    was_training = model.training
    model.eval()
    try:
        for batch, pixels in zip(batches, read_ahead(store, batches, device), strict=True):
            images = normalise(pixels)
            rows = model(images) + model(images.flip(3)) if flip else model(images)
            embeddings[batch[0] : batch[0] + len(batch)] = rows.float()
            advance(len(batch))
    finally:
        model.train(was_training)
    if not embeddings.isfinite().all():
        bad = int((~embeddings.isfinite().all(dim=1)).nonzero()[0])
        raise ValueError(f"the embedding of {store.paths[bad]} is not finite: the weights are damaged")
    return embeddings


def pool_tracklets(embeddings: Tensor, tracklet_of: NDArray[np.int64]) -> Tensor:
    """The mean embedding (t, d) of each tracklet, given the number from 0 to t−1 of every row's."""
    numbers = torch.from_numpy(tracklet_of).to(embeddings.device)
    images = torch.bincount(numbers)
    sums = embeddings.new_zeros(len(images), embeddings.shape[1]).index_add_(0, numbers, embeddings)
    return sums / images[:, None]
