"""Indexes: what searches a ledger's embeddings by one model. Each is derived from the ledger, and can be made anew."""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.filters import Filter
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.packages import require


class Hits(NamedTuple):
    """What a search found for each query."""

    sightings: NDArray[np.int64]
    """(q, top) numbers, most similar first; −1 where there are fewer."""
    similarities: NDArray[np.float32]
    """(q, top) cosine similarities, descending; −inf where there are fewer."""


class Index(Protocol):
    """An index, which finds what a scan of all embeddings finds, whatever the conditions.

    It brings itself up to date with the ledger before each search. May be used from several threads and processes.
    """

    def search(
        self,
        queries: NDArray[np.float32],
        top: int,
        where: Filter | None = None,
        *,
        among: NDArray[np.int64] | None = None,
        without: NDArray[np.int64] | None = None,
    ) -> Hits:
        """The `top` most similar sightings of each query embedding (q, d).

        Args:
            where: Conditions that they meet.
            among: Numbers of the sightings that may be found. Defaults to all.
            without: Numbers of sightings that may not be found.

        Raises:
            ValueError: The queries have another length than the embeddings.
        """

    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the sightings in the index."""

    def catch_up(self) -> None:
        """Bring it up to date with the ledger. What was removed there leaves no byte of itself here."""

    def rebuild(self) -> None:
        """Write it anew from the ledger."""

    def drop(self) -> None:
        """Delete it."""


def open_index(name: str, folder: Path, ledger: Ledger, model: GalleryModel) -> Index:
    """The index of a ledger's embeddings by a model.

    Args:
        name: `exact`; `pgvector`, for a ledger in PostgreSQL; or the URI of Milvus, `http://HOST:19530`.
        folder: For the files of those that have files.

    Raises:
        ValueError: There is no such index, or the ledger's database cannot have it.
        ModuleNotFoundError: What it needs is not installed; the message says how to install it.
    """
    if name == "exact":
        from scalereid.gallery.indexes.exact import ExactIndex

        return ExactIndex(folder / model.fingerprint, ledger, model.number)
    if name == "pgvector":
        require("pgvector", "psycopg", extra="postgresql", purpose="the index pgvector")
        from scalereid.gallery.indexes.pgvector import PgvectorStore
        from scalereid.gallery.indexes.served import ServedIndex

        return ServedIndex(PgvectorStore(ledger.engine, model.number), name, ledger, model.number)
    if name.startswith(("http://", "https://")):
        require("pymilvus", extra="milvus", purpose="an index in Milvus")
        from scalereid.gallery.indexes.milvus import MilvusStore
        from scalereid.gallery.indexes.served import ServedIndex

        return ServedIndex(MilvusStore(name, f"gallery_{ledger.id}_{model.number}"), name, ledger, model.number)
    raise ValueError(f"No such index: {name!r}. Choose exact, pgvector, or the URI of Milvus: http://HOST:19530.")
