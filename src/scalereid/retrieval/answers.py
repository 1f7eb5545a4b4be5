"""Pairs of images that a person has labelled, as a CSV file: `scalereid label` draws them, its page writes them."""

import math
from collections import Counter
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from reprlib import repr as shortened
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from scalereid.data.readers.rows import Row, check_cells, csv_rows, on_line
from scalereid.retrieval.pairs import PairDistances, sampled_pair_distances

Answer = Literal["same", "different", "unsure", ""]
COLUMNS = ("first", "second", "answer", "distance", "weight", "model_fingerprint")
"""Columns of the file; the first three are required."""
_MOST = 1e100  # of pairs, whose sums stay finite


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Pairs of images, and whether they show the same person."""

    first: tuple[Path, ...]
    second: tuple[Path, ...]
    answers: tuple[Answer, ...]
    """Empty where there is none yet."""
    weights: NDArray[np.float64]
    """(k,) number of pairs that each pair drawn stands for; equal within a stratum."""
    distances: NDArray[np.float64] | None
    """(k,) cosine distances by the model that the pairs were drawn with; None if they were not drawn with a model."""
    model_fingerprint: str
    """That model's fingerprint; empty for none."""

    @property
    def counts(self) -> dict[Answer, int]:
        """Number of pairs by answer."""
        given = Counter(self.answers)
        return {answer: given[answer] for answer in get_args(Answer)}

    def pair_distances(self, distances: NDArray[np.floating]) -> PairDistances:
        """Estimate the histograms of all pairs from the cosine distances (k,) of these.

        Pairs without an answer and unsure ones are left out; the others of the same weight stand for them, too.

        Raises:
            ValueError: No pair of a weight has an answer, or there are no pairs of one person, or none of two.
        """
        answers = np.array(self.answers)
        is_sure = np.isin(answers, ("same", "different"))
        weights = self.weights.astype(np.float64)
        for weight in np.unique(self.weights):
            stratum = self.weights == weight
            sure = int((stratum & is_sure).sum())
            if not sure:
                low, high = distances[stratum].min(), distances[stratum].max()
                raise ValueError(
                    f"none of the {stratum.sum()} pairs at distances from {low:.4f} to {high:.4f} is labelled same or "
                    "different; label at least one of them"
                )
            weights[stratum] *= stratum.sum() / sure
        return sampled_pair_distances(distances[is_sure], answers[is_sure] == "same", weights[is_sure])


def read_pairs(file: str | PathLike[str]) -> LabelledPairs:
    """Read labelled pairs from a CSV file with the columns first, second and answer: same, different, unsure or nothing.

    Paths are relative to the file's folder. `weight` is the number of pairs that a pair stands for; without it, each counts
    once, which is right for pairs drawn at random. `distance` and `model_fingerprint` are those of the model that pairs were
    drawn with.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It has no such columns, or a cell is one too many or cannot be read; the message names file, line and cell.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; expected a CSV file with the columns {', '.join(COLUMNS[:3])}")
    first, second, answers, weights, distances, models = [], [], [], [], [], set()
    for number, row in csv_rows(file, COLUMNS[:3]):
        try:
            check_cells(row)
            answers.append(_answer(row))
            weights.append(_positive(row, "weight", otherwise=1.0))
            distances.append(_positive(row, "distance", otherwise=math.nan))
            first.append(file.parent / _path(row, "first"))
            second.append(file.parent / _path(row, "second"))
        except (KeyError, ValueError) as error:
            raise on_line(file, number, error) from None
        models.add(str(row.get("model_fingerprint") or ""))
    if len(models) > 1:
        raise ValueError(f"{file} has pairs of several models, {', '.join(sorted(models))}; expected pairs of one")
    if not answers:
        raise ValueError(f"{file} has no pairs; expected at least one line below the columns' names")
    model = models.pop()
    stored = np.array(distances) if model else None
    if stored is not None and np.isnan(stored).any():
        raise ValueError(f"{file} names a model but not every pair's distance; keep the columns that the page wrote")
    return LabelledPairs(tuple(first), tuple(second), tuple(answers), np.array(weights), stored, model)


def _path(row: Row, column: str) -> str:
    if not row[column]:
        raise KeyError(column)
    return str(row[column])


def _answer(row: Row) -> Answer:
    given = str(row["answer"] or "").strip().lower()
    for answer in get_args(Answer):
        if given == answer:
            return cast(Answer, answer)
    raise ValueError(f"answer is {shortened(given)}; expected same, different, unsure or nothing")


def _positive(row: Row, column: str, *, otherwise: float) -> float:
    text = row.get(column)
    if not text:
        return otherwise
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not 0 <= value < _MOST or (column == "weight" and value == 0):
        raise ValueError(f"{column} is {shortened(text)}; expected a positive number below {_MOST:g}")
    return value
