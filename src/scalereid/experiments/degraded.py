"""Retrieval where the queries are degraded: out of focus, half hidden, too dark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from PIL import Image

from scalereid.data.degrading import blurred, darkened, occluded
from scalereid.data.images import load_image, resize
from scalereid.data.records import one_per_tracklet
from scalereid.experiments.evaluation import Evaluation
from scalereid.inference.embedding import PixelEmbedder
from scalereid.retrieval.ranking import Ranking, rank
from scalereid.retrieval.scores import Scores, score


@dataclass(frozen=True)
class Degradation:
    """What is done to a query."""

    name: str
    words: str
    """By how much, for a reader."""
    change: Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, eq=False)
class Retrieved:
    """What was found for some queries."""

    degradation: Degradation
    scores: Scores
    """Of these queries; `scores.per_query` has those of each."""
    ranking: Ranking


def degradations(*, blur: float, occlusion: float, gamma: float) -> list[Degradation]:
    """The queries as they are, blurred, occluded and darkened, by the amounts that `data.degrading` explains."""
    return [
        Degradation("as it is", "the query as it is", lambda image: image),
        Degradation("blurred", f"Gaussian blur, deviation {blur:.1%} of the height", partial(blurred, deviation=blur)),
        Degradation("occluded", f"the lower {occlusion:.0%} of the picture grey", partial(occluded, share=occlusion)),
        Degradation("darkened", f"every value to the power of γ = {gamma:g}", partial(darkened, gamma=gamma)),
    ]


def retrieve_degraded(
    evaluation: Evaluation, rows: Sequence[int], degradation: Degradation, *, top: int = 8
) -> Retrieved:
    """Search the whole gallery of an evaluation for the queries in `rows`, degraded.

    They are degraded before they are resized, so that every model gets the same pictures. Of a tracklet the first image is the
    query.

    Raises:
        ValueError: An image cannot be read.
    """
    records, size = one_per_tracklet(evaluation.dataset.query), evaluation.model.metadata.image_size
    model = evaluation.model
    embedder = PixelEmbedder(runtime=model.runtime, batch_size=model.batch_size, flip=evaluation.options.flip)
    parts = []
    for start in range(0, len(rows), model.batch_size):
        batch = rows[start : start + model.batch_size]
        pixels = [resize(degradation.change(load_image(records[row].path)), size) for row in batch]
        parts.append(embedder(np.stack(pixels)))
    embeddings = torch.from_numpy(np.concatenate(parts)).to(evaluation.query.embeddings)
    query = replace(evaluation.query.rows(torch.tensor(rows)), embeddings=embeddings)
    distance, protocol = evaluation.scores.distance, evaluation.scores.protocol
    return Retrieved(
        degradation,
        score(query, evaluation.gallery, distance=distance, protocol=protocol),
        rank(query, evaluation.gallery, distance=distance, protocol=protocol, top=top),
    )
