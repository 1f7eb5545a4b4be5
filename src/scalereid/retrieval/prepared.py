"""A gallery made ready to be searched many times."""

import time
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from scalereid.retrieval.distances import Embeddings, as_matrix, squared_lengths
from scalereid.retrieval.product import products

_CHUNK = 512  # embeddings encoded at a time: they stay in the caches
_MOST = 127  # of an int8
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
        self.codes: Tensor | None = None
        if self.embeddings.device.type == "cpu" and self.embeddings.shape[1] > 1 and _int8_is_fast():
            self._encode()  # torch's int8 products of a single column are wrong

    def __len__(self) -> int:
        return len(self.embeddings)

    def __repr__(self) -> str:
        return f"<PreparedGallery: {len(self):,} embeddings of {self.embeddings.shape[1]} numbers>"

    def rough(self, query: Tensor) -> tuple[Tensor, Tensor]:
        """Query embeddings (b, d) as int8, their sign reversed, and how much farther than another one, as `rough_distances`
        tells, an image may seem that is not (b, 1)."""
        directions = functional.normalize(query)
        codes, scale, error = _encoded(directions, directions.abs().amax(dim=1, keepdim=True))
        wrong = error[:, None] + (1 + error[:, None]) * self.error + _ROUNDING  # of a cosine; by Cauchy and Schwarz
        rounded = 2 + _MOST**2 * query.shape[1] / 2**23  # sums beyond 2²⁴ as float32
        return -codes, 2 * wrong / (self.scale * scale) + rounded

    def rough_distances(self, codes: Tensor, columns: slice) -> Tensor:
        """Distances (b, n) of encoded queries to gallery images, up to a factor for each query and to the error of `rough`."""
        assert self.codes is not None
        return torch._int_mm(codes, self.codes[columns].T).float()

    def _encode(self) -> None:
        parts = [slice(start, start + _CHUNK) for start in range(0, len(self), _CHUNK)]
        lengths = self.squares.sqrt().clamp_(min=1e-12)[:, None]
        largest = max(
            (float((self.embeddings[part].abs().amax(dim=1) / lengths[part, 0]).max()) for part in parts), default=1
        )
        self.codes, self.error = torch.empty(self.embeddings.shape, dtype=torch.int8), 0.0
        for part in parts:
            self.codes[part], self.scale, error = _encoded(
                self.embeddings[part] / lengths[part], torch.tensor(largest or 1.0)
            )
            self.error = max(self.error, float(error.max()))


def _encoded(directions: Tensor, largest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Directions (b, d) as int8, the number that one stands for, and how far each of them then is from what it was (b,)."""
    scale = largest.clamp(min=1e-12) / _MOST
    codes = (directions / scale).round_()
    return codes.to(torch.int8), scale, torch.linalg.vector_norm(directions - codes * scale, dim=1)


@cache
def _int8_is_fast() -> bool:
    """Whether int8 products are exact and faster than float32 ones; where they saturate or are emulated, they are not."""
    rows, columns = torch.full((2, 512), _MOST, dtype=torch.int8), torch.full((4_096, 512), -_MOST, dtype=torch.int8)
    rows[1] *= -1
    numbers = rows.float(), columns.float()
    try:
        if not torch.equal(torch._int_mm(rows, columns.T).float(), products(*numbers)):
            return False
    except (AttributeError, RuntimeError):
        return False
    seconds = []
    for product, one, other in ((torch._int_mm, rows, columns.T), (products, *numbers)) * 3:
        started = time.perf_counter()
        product(one, other)
        seconds.append(time.perf_counter() - started)
    return min(seconds[::2]) < min(seconds[1::2])
