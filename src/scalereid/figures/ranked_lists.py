"""Queries and the gallery images nearest to them, right and wrong."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.records import ImageRecord
from scalereid.figures.tiles import Tile
from scalereid.retrieval.ranking import Ranking


def ranked_list(
    query: ImageRecord,
    gallery: Sequence[ImageRecord],
    ranking: Ranking,
    row: int,
    *,
    probabilities: NDArray[np.float64] | None = None,
) -> list[Tile]:
    """The query in a row of a ranking, then its nearest gallery images, right or wrong.

    Each is labelled with its camera and, with `probabilities` (queries, top), with the probability that it shows the query's
    person.
    """
    tiles = [Tile(str(query.path), "query", ("query", *_camera(query)), f"query {query.path.name}")]
    for column in range(ranking.indices.shape[1]):
        index, right = int(ranking.indices[row, column]), bool(ranking.correct[row, column])
        if index < 0:
            continue
        found = gallery[index]
        notes = _camera(found) if probabilities is None else (*_camera(found), f"{probabilities[row, column]:.0%}")
        alt = f"rank {column + 1}, {'right' if right else 'wrong'}: {found.path.name}"
        caption = (f"{column + 1} {'✓' if right else '×'}", " · ".join(notes))
        tiles.append(Tile(str(found.path), "right" if right else "wrong", caption, alt))
    return tiles


def found_records(gallery: Sequence[ImageRecord], ranking: Ranking, row: int) -> list[ImageRecord]:
    """The gallery images nearest to the query in a row of a ranking, nearest first."""
    return [gallery[index] for index in ranking.indices[row].tolist() if index >= 0]


def evenly_spaced(number: int, of: int) -> list[int]:
    """`number` of the row numbers 0 … `of` − 1, evenly spread."""
    return sorted({round(row) for row in torch.linspace(0, of - 1, min(number, of)).tolist()})


def mistakes(ranking: Ranking, number: int) -> list[int]:
    """At most `number` of the queries that have a match but whose nearest gallery image shows another person, evenly spread."""
    wrong = ((ranking.matches > 0) & ~ranking.correct[:, 0]).nonzero().flatten().tolist()
    return [wrong[i] for i in evenly_spaced(number, len(wrong))] if wrong else []


def _camera(record: ImageRecord) -> tuple[str, ...]:
    return (f"c{record.camid}",) if record.camid >= 0 else ()
