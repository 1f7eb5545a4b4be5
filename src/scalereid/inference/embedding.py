"""Images to embeddings: the one loop, which reads batches ahead of those that are computed and checks what comes out."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.data.images import Advance, ImageStore, Threads
from scalereid.inference.pixels import OneImage
from scalereid.inference.runtimes import Runtime

Image = OneImage | ValueError  # an error stands for an image that there is not
Read = Callable[[Any], NDArray[np.uint8]]  # an image to its pixels; raises ValueError where it cannot be read


@dataclass(frozen=True, kw_only=True)
class BatchedRuntime:
    """A runtime, and the number of images that it computes together."""

    runtime: Runtime
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class PixelEmbedder(BatchedRuntime):
    """Pixels of a batch to embeddings, as they are wanted."""

    flip: bool = False
    """Add each image's mirror image's embedding to its own."""
    normalize: bool = False
    """Give embeddings of length 1."""

    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        """RGB (n, height, width, 3), n ≥ 1, to embeddings (n, d). For `concurrent` see `Runtime`."""
        embeddings = self.runtime(pixels, concurrent=concurrent)
        if self.flip:
            embeddings = embeddings + self.runtime(np.ascontiguousarray(pixels[:, :, ::-1]), concurrent=concurrent)
        if self.normalize:
            embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)
        return embeddings


class Rows(NamedTuple):
    """What became of a batch."""

    embeddings: NDArray[np.float32]
    """(k, d) of the images that could be read, in their order."""
    errors: dict[int, ValueError]
    """What is wrong with the others, by their position among all images."""


class _Batch(NamedTuple):
    images: Sequence[Image]
    start: int  # position of the first among all images
    pixels: NDArray[np.uint8]  # (k, height, width, 3) of those that could be read
    errors: dict[int, ValueError]


def default_batch_size(kind: str) -> int:
    """Number of images computed together on a kind of device: a CPU is fastest while a batch's maps stay in its caches."""
    return 128 if kind == "cuda" else 8


def reading_threads(runtime: Runtime) -> Threads:
    """Threads to read images in, and to compute in where the runtime has several workers."""
    return Threads(_threads(runtime), thread_name_prefix="scalereid")


def embed_images(
    embed: PixelEmbedder, images: Iterable[Image], read: Read, threads: ThreadPoolExecutor
) -> Iterator[Rows]:
    """Embeddings of any number of images, batch by batch, in their order.

    A single batch is read in all threads and then computed. Several batches are read ahead, each in one thread; where the
    runtime has several workers, that thread also computes it.
    """
    batches = _batches(images, embed.batch_size)
    few = [*islice(batches, 2)]
    if len(few) == 1:
        yield _compute(embed, _read(read, *few[0], threads.map))
    else:
        yield from _embed_ahead(embed, (partial(_read, read, *batch) for batch in chain(few, batches)), threads)


def embed_store(embed: PixelEmbedder, store: ImageStore, advance: Advance = lambda _: None) -> NDArray[np.float32]:
    """Embeddings (n, d) of all images of a store, in its order; (0, 0) for none.

    Raises:
        ValueError: An image cannot be read any more, or its embedding is not finite; the message names it.
    """
    size, parts = embed.batch_size, []
    with reading_threads(embed.runtime) as threads:
        if store.pixels is None:
            batches = embed_images(embed, store.paths, store.read_one, threads)
        else:
            reads = [partial(_slice, store, start, start + size) for start in range(0, len(store), size)]
            if embed.runtime.workers > 1 and len(reads) > 1:
                batches = _embed_ahead(embed, reads, threads)
            else:  # in memory: a thread would cost more than it saves
                batches = (_compute(embed, read()) for read in reads)
        for rows in batches:
            for error in rows.errors.values():
                raise error
            parts.append(rows.embeddings)
            advance(len(rows.embeddings))
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def _embed_ahead(
    embed: PixelEmbedder, reads: Iterable[Callable[[], _Batch]], threads: ThreadPoolExecutor
) -> Iterator[Rows]:
    if embed.runtime.workers > 1:
        yield from _map_ahead(lambda read: _compute(embed, read(), concurrent=True), reads, embed.runtime, threads)
    else:
        for batch in _map_ahead(lambda read: read(), reads, embed.runtime, threads):
            yield _compute(embed, batch)


def _map_ahead(
    function: Callable[[Any], Any], values: Iterable[Any], runtime: Runtime, threads: ThreadPoolExecutor
) -> Iterator[Any]:
    """Like `map`, in threads that work on a few values ahead, and take no more from `values`."""
    ahead: deque[Future[Any]] = deque()
    for value in values:
        ahead.append(threads.submit(function, value))
        if len(ahead) > _threads(runtime):
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _threads(runtime: Runtime) -> int:
    return max(os.cpu_count() or 1, runtime.workers)


def _batches(images: Iterable[Image], size: int) -> Iterator[tuple[list[Image], int]]:
    """Lists of `size` images, the last one shorter, each with the position of its first image."""
    remaining, start = iter(images), 0
    while batch := list(islice(remaining, size)):
        yield batch, start
        start += len(batch)


def _read(read: Read, images: Sequence[Image], start: int, mapped: Callable[..., Iterable[Any]] = map) -> _Batch:
    def attempt(image: Image) -> NDArray[np.uint8] | ValueError:
        if isinstance(image, ValueError):
            return image
        try:
            return read(image)
        except ValueError as error:
            return error

    found = [*mapped(attempt, images)]
    errors = {start + i: one for i, one in enumerate(found) if isinstance(one, ValueError)}
    pixels = [one for one in found if not isinstance(one, ValueError)]
    return _Batch(images, start, np.stack(pixels) if pixels else np.empty((0, 0, 0, 3), np.uint8), errors)


def _slice(store: ImageStore, start: int, stop: int) -> _Batch:
    assert store.pixels is not None
    return _Batch(store.paths[start:stop], start, store.pixels[start:stop], {})


def _compute(embed: PixelEmbedder, batch: _Batch, *, concurrent: bool = False) -> Rows:
    """The embeddings of a batch, checked.

    Raises:
        ValueError: One is not finite; the message names its image.
    """
    if not len(batch.pixels):
        return Rows(np.empty((0, 0), np.float32), batch.errors)
    embeddings = embed(batch.pixels, concurrent=concurrent)
    finite = np.isfinite(embeddings).all(axis=1)
    if not finite.all():
        readable = [i for i in range(len(batch.images)) if batch.start + i not in batch.errors]
        position = readable[int(np.argmin(finite))]
        image = batch.images[position]
        name = str(image) if isinstance(image, str | PathLike) else f"image {batch.start + position}"
        raise ValueError(
            f"the embedding of {name} is not finite in {embed.runtime.precision}: the weights are damaged, or too large for it"
        )
    return Rows(embeddings, batch.errors)
