"""The pictures of a page that are nearest to each other."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.experiments.evaluation import Evaluation
from scalereid.figures.pictures import NEAR
from scalereid.retrieval import Distance
from scalereid.retrieval.distances import distance_blocks

_BLOCK = 256  # pictures compared with all at once: there may be ten thousands


def embeddings_by_file(evaluation: Evaluation) -> dict[str, NDArray[np.float32]]:
    """The embedding of each query and gallery image of an evaluation, by its file; of a tracklet by its first image's."""
    found: dict[str, NDArray[np.float32]] = {}
    for side in (evaluation.query, evaluation.gallery):
        found |= dict(zip(side.paths or (), side.embeddings.float().cpu().numpy(), strict=True))
    return found


def nearest_pictures(
    embeddings: Mapping[str, NDArray[np.float32]], distance: Distance = "cosine"
) -> dict[str, list[str]]:
    """For each file the `NEAR` other files with the nearest embeddings, nearest first."""
    files = [*embeddings]
    if not files:
        return {}
    vectors = torch.from_numpy(np.stack([*embeddings.values()]))
    nearest = {}
    for rows, distances in distance_blocks(vectors, vectors, distance, _BLOCK * len(files)):
        order = distances.argsort(dim=1, stable=True)[:, : NEAR + 1].tolist()
        for file, row in zip(files[rows], order, strict=True):  # among the rows is the file itself
            nearest[file] = [files[i] for i in row if files[i] != file][:NEAR]
    return nearest
