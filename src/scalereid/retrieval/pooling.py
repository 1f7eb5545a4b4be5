"""Several images' embeddings as one: tracklets, and all of a person's queries."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.retrieval.labelled import LabelledEmbeddings


def pool_tracklets(embeddings: Tensor, tracklet_of: NDArray[np.int64]) -> Tensor:
    """The mean embedding (t, d) of each tracklet, given each row's tracklet (n,), numbered from 0 to t−1."""
    numbers = torch.from_numpy(tracklet_of).to(embeddings.device)
    images = torch.bincount(numbers)
    sums = embeddings.new_zeros(len(images), embeddings.shape[1]).index_add_(0, numbers, embeddings)
    return sums / images[:, None]


def pool_people(query: LabelledEmbeddings) -> LabelledEmbeddings:
    """Multi-query: one embedding for each person and camera, the mean of their images'; all else is the first image's."""
    labels = np.stack([query.pids.cpu().numpy(), query.camids.cpu().numpy()])
    _, first, group = np.unique(labels, axis=1, return_index=True, return_inverse=True)
    return replace(query.rows(first), embeddings=pool_tracklets(query.embeddings, group.ravel()))
