"""How well each query alone finds its person, kept so that later comparisons need no new run."""

from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scalereid.files import write
from scalereid.progress import counted


class PerQuery(NamedTuple):
    """One value per query, in the order of the queries, split after split."""

    average_precision: NDArray[np.float64]
    """(queries,), NaN for a query without a match."""
    first_match: NDArray[np.int64]
    """(queries,) the rank of the nearest match in the whole gallery, from 1 on; 0 for a query without a match."""
    pids: NDArray[np.int64]
    """(queries,) the person of each query."""

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
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                return cls(**{name: arrays[name] for name in cls._fields})
        except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise ValueError(f"{file} does not hold results per query: {error}") from error
