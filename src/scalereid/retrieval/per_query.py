"""How well each query alone finds its person, kept so that later comparisons need no new run."""

from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from scalereid.files import check_stored, write
from scalereid.wording import counted


class PerQuery(NamedTuple):
    """One value per query, in the order of the queries, split after split."""

    average_precision: NDArray[np.float64]
    """(queries,), NaN for a query without a match."""
    first_match: NDArray[np.int64]
    """(queries,) the rank of the nearest match in the whole gallery, from 1 on; 0 for a query without a match."""
    pids: NDArray[np.int64]
    """(queries,) the person of each query."""

    @classmethod
    def of_single_matches(cls, ranks: NDArray[np.integer]) -> "PerQuery":
        """Results of queries that have one match each, at these ranks (queries,), and that are each of a person of their own.

        So may images be that are classified, whose one match is their class.
        """
        return cls(1 / ranks, ranks.astype(np.int64), np.arange(len(ranks)))

    def __repr__(self) -> str:
        return (
            f"<PerQuery: {counted(len(self.pids), 'query', 'queries')}, "
            f"{int((self.first_match == 0).sum()):,} without a match>"
        )

    def save(self, file: Path) -> None:
        """Write the arrays to a .npz file, whole or not at all."""
        write(file, lambda partial: np.savez(partial, **self._asdict()))

    @classmethod
    def load(cls, file: Path) -> "PerQuery":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: It is not such a file.
        """
        with file.open("rb") as opened:
            try:
                with ZipFile(opened) as archive:
                    check_stored(archive)
                opened.seek(0)
                with np.load(opened, allow_pickle=False) as arrays:
                    found = cls(*(arrays[name] for name in cls._fields))
                _check(found)
            except Exception as error:  # of archives and of NumPy's format there are many kinds
                raise ValueError(f"{file} does not hold results per query: {str(error)[:200]}") from error
        return found


def _check(results: PerQuery) -> None:
    """Raise ValueError for what a damaged file may hold."""
    for name, kind in (("average_precision", np.float64), ("first_match", np.int64), ("pids", np.int64)):
        values = getattr(results, name)
        if values.shape != (len(results.pids),) or values.dtype != kind:
            raise ValueError(
                f"{name} is {values.dtype} {list(values.shape)}; expected {np.dtype(kind)}, one value per query"
            )
    without = results.first_match == 0
    if (results.first_match < 0).any():
        raise ValueError("first_match has a rank below 0")
    if not np.array_equal(without, np.isnan(results.average_precision)):
        raise ValueError("average_precision is not NaN for just those queries whose first_match is 0")
    if not ((results.average_precision[~without] >= 0) & (results.average_precision[~without] <= 1 + 1e-9)).all():
        raise ValueError("average_precision has values that are not from 0 to 1")
