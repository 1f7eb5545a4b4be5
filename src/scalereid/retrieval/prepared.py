"""A gallery made ready to be searched many times."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.retrieval.codes import Codes, encode
from scalereid.retrieval.distances import Embeddings, as_matrix, squared_lengths
from scalereid.retrieval.int8_product import int8_is_fast, int8_products

_ROUNDING = 1e-4  # of a cosine in float32, and more


class PreparedGallery:
    """Gallery embeddings (g, d), checked and measured once, to be searched many times: `search` and `rank` take it.

    On a CPU with fast int8 products they are also kept as whole numbers from −127 to 127, a quarter of their memory more. These
    tell which few images can be among the nearest, and only the distances to those are computed in float32: what is found is
    the same, to the bit. Float32 arrays, also memory maps, are not copied; do not change them meanwhile.

    Raises:
        ValueError: What `search` says of bad embeddings.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = as_matrix(embeddings, "gallery")
        self.squares = squared_lengths(self.embeddings, "gallery")
        self.codes = encode(self.embeddings, self.squares) if _is_encoded(self.embeddings) else None

    @classmethod
    def of_parts(cls, embeddings: Tensor, squares: Tensor, codes: Codes | None = None) -> Self:
        """A gallery whose squared lengths, and codes if there are any, were computed before. Nothing is checked."""
        gallery = cls.__new__(cls)
        gallery.embeddings, gallery.squares = embeddings, squares
        gallery.codes = codes if _is_encoded(embeddings) else None
        return gallery

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Some of its embeddings, few enough to be compared in float32."""
        chosen = torch.from_numpy(rows)
        return self.of_parts(self.embeddings[chosen], self.squares[chosen])

    def __len__(self) -> int:
        return len(self.embeddings)

    def __repr__(self) -> str:
        return f"<PreparedGallery: {len(self):,} embeddings of {self.embeddings.shape[1]} numbers>"


class RoughQueries:
    """Query embeddings (b, d) as int8, to be compared with the codes of a gallery.

    Attributes:
        margin: How much farther than another image one may seem that is not (b, 1).
    """

    def __init__(self, query: Tensor, gallery: Codes) -> None:
        self.gallery = gallery
        own = encode(query, squared_lengths(query, "query"))
        self.codes = -own.values
        wrong = own.error + (1 + own.error) * gallery.error + _ROUNDING  # of a cosine; by Cauchy and Schwarz
        self.margin = 2 * wrong / own.scales[:, None]

    def distances(self, columns: slice) -> Tensor:
        """Distances (b, n) to gallery images `columns`, up to a factor for each query and to an error of half the margin."""
        return int8_products(self.codes, self.gallery.values[columns]).mul_(self.gallery.scales[columns])


def _is_encoded(embeddings: Tensor) -> bool:
    # torch's int8 products of a single column are wrong
    return embeddings.device.type == "cpu" and embeddings.shape[1] > 1 and int8_is_fast()
