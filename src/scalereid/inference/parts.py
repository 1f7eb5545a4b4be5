"""The images that a shard still lacks, and what embeds those of many shards: this process in turn, or other machines."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scalereid.data.images import Advance
from scalereid.inference.embedder import Collected, Embedder, OnError
from scalereid.inference.items import Item
from scalereid.inference.shard import Shard


class Part(NamedTuple):
    """A shard that is not finished."""

    file: Path
    items: Sequence[Item]
    """All of its images."""
    rows: list[int]
    """Those to be embedded, by their positions among `items`."""
    stamps: NDArray[np.int64]
    """(n, 3), of all image files before any is read."""
    earlier: Shard | None
    """What there is of the others; None where all are to be embedded."""

    @property
    def paths(self) -> list[str]:
        """The image files to be embedded."""
        return [self.items[row].path for row in self.rows]

    def write(self, found: Collected, size: int) -> None:
        """Write the whole shard, of embeddings of `size` numbers, once its images have been embedded."""
        embeddings, unreadable = np.empty((len(self.items), size), np.float32), [""] * len(self.items)
        if self.earlier:
            embeddings, unreadable = self.earlier.embeddings, [*self.earlier.unreadable]
        for position, row in enumerate(self.rows):
            unreadable[row] = found.errors.get(position, "")
        embeddings[[row for row in self.rows if not unreadable[row]]] = found.embeddings
        Shard(self.items, self.stamps, embeddings, unreadable).write(self.file)


class EmbedParts(Protocol):
    """What embeds the images of parts. The embeddings of a part depend on its paths alone, whoever computes them."""

    def __call__(
        self, embedder: Embedder, parts: Iterable[Part], on_error: OnError, advance: Advance
    ) -> Iterator[tuple[Part, Collected]]:
        """Each part with its embeddings, as soon as they are there, in any order; `embedder` says which they are.

        Raises:
            ValueError: An image cannot be read, unless `on_error` is `report`; the message names it.
        """


def in_turn(
    embedder: Embedder, parts: Iterable[Part], on_error: OnError, advance: Advance
) -> Iterator[tuple[Part, Collected]]:
    """Embed one part after another in this process: see `EmbedParts`."""
    for part in parts:
        yield part, embedder.collect(part.paths, on_error=on_error, advance=advance)
