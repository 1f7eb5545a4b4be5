"""A part of a table of embeddings that is finished, in a file, with what tells whether its images have changed since."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scalereid.files import stamp, write
from scalereid.inference.items import Item


class Shard(NamedTuple):
    """Some images, and their embeddings as far as they could be read."""

    items: Sequence[Item]
    stamps: NDArray[np.int64]
    """(n, 3), of the image files before they were read: see `stamp`."""
    embeddings: NDArray[np.float32]
    """(n, d); rows of images that could not be read hold anything."""
    unreadable: list[str]
    """What is wrong with each image; empty for those that could be read."""

    @classmethod
    def read(cls, file: Path, items: Sequence[Item], size: int) -> Self | None:
        """The shard of these images and of embeddings of this size; None if the file is not one, or is damaged."""
        try:
            with file.open("rb") as opened, np.load(opened) as arrays:  # with checksums, and no pickles
                path, stamps, unreadable = (arrays[name] for name in ("path", "stamp", "unreadable"))
                labels, found = (arrays["pid"], arrays["camid"]), arrays["embedding"]
        except Exception:  # NumPy and zipfile raise a dozen kinds for damaged files
            return None
        shape = (len(items), 3), (len(items),)
        if (stamps.shape, unreadable.shape) != shape or stamps.dtype != np.int64 or unreadable.dtype.kind != "U":
            return None
        kept = unreadable == ""
        rows = [item[:3] for item, is_kept in zip(items, kept, strict=True) if is_kept]
        is_whole = found.shape == (len(rows), size) and found.dtype == np.float32 and bool(np.isfinite(found).all())
        if not is_whole or [*zip(path.tolist(), *(each.tolist() for each in labels), strict=False)] != rows:
            return None
        embeddings = np.empty((len(items), size), np.float32)
        embeddings[kept] = found
        return cls(items, stamps, embeddings, unreadable.tolist())

    def write(self, file: Path) -> None:
        """Write it to a .npz file: the columns of the table for images that could be read, and the rest for all."""
        kept = [item for item, why in zip(self.items, self.unreadable, strict=True) if not why]

        def save(partial: Path) -> None:
            np.savez(
                partial,
                path=np.array([item.path for item in kept], dtype=np.str_),
                pid=np.array([item.pid for item in kept], dtype=np.int64),
                camid=np.array([item.camid for item in kept], dtype=np.int64),
                embedding=self.embeddings[[not why for why in self.unreadable]],
                stamp=self.stamps,
                unreadable=np.array(self.unreadable, dtype=np.str_),
            )

        write(file, save)


def stamps_of(items: Sequence[Item]) -> NDArray[np.int64]:
    """The stamps (n, 3) of image files as they are now."""
    return np.array([stamp(item.path) for item in items], dtype=np.int64).reshape(-1, 3)
