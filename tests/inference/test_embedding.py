import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset
from scalereid.inference.embedding import (
    PixelEmbedder,
    default_batch_size,
    embed_images,
    embed_store,
    reading_threads,
)
from scalereid.inference.metadata import Precision


class Means:
    """A runtime: an image's embedding are the mean values of its four quarters. It notes how it was called."""

    name = "means"
    precision: Precision = "float32"

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.calls: list[tuple[int, bool, str]] = []  # images, concurrent, thread

    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        self.calls.append((len(pixels), concurrent, threading.current_thread().name))
        n, height, width, _ = pixels.shape
        quarters = pixels.reshape(n, 2, height // 2, 2, width // 2, 3).mean(axis=(2, 4, 5))
        return quarters.reshape(n, 4).astype(np.float32)


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (21, 8, 4, 3), dtype=np.uint8)


def embedded(embed: PixelEmbedder, images: Any, read: Any = lambda image: image) -> Any:
    """All rows of `embed_images`, and the errors."""
    with ThreadPoolExecutor(4) as threads:
        found = [*embed_images(embed, images, read, threads)]
    errors = {position: str(error) for rows in found for position, error in rows.errors.items()}
    return np.concatenate([rows.embeddings for rows in found if len(rows.embeddings)]), errors


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 21, 50])
def test_rows_follow_the_images_whatever_the_batch_size(
    pixels: NDArray[np.uint8], workers: int, batch_size: int
) -> None:
    runtime = Means(workers)

    def slow_at_first(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        time.sleep(0.02 * (image is first))
        return image

    images = [*pixels]
    first = images[0]
    found, errors = embedded(PixelEmbedder(runtime=runtime, batch_size=batch_size), iter(images), slow_at_first)
    np.testing.assert_array_equal(found, Means()(pixels))
    assert errors == {}
    assert sorted(n for n, *_ in runtime.calls) == sorted(
        [batch_size] * (21 // batch_size) + [21 % batch_size][: 21 % batch_size > 0]
    )


def test_many_batches_are_computed_concurrently_by_a_runtime_of_several_workers(pixels: NDArray[np.uint8]) -> None:
    """A single batch is computed by all threads."""
    for workers, images, concurrent in ((3, pixels, True), (3, pixels[:4], False), (1, pixels, False)):
        runtime = Means(workers)
        embedded(PixelEmbedder(runtime=runtime, batch_size=4, flip=True), images)
        assert {call[1] for call in runtime.calls} == {concurrent}
        here = threading.current_thread().name
        assert {call[2] == here for call in runtime.calls} == {not concurrent}
        assert len(runtime.calls) == 2 * -(-len(images) // 4)  # and the mirror images


def test_no_images_are_no_batches() -> None:
    runtime = Means()
    with ThreadPoolExecutor(1) as threads:
        assert [*embed_images(PixelEmbedder(runtime=runtime, batch_size=4), [], lambda image: image, threads)] == []
    assert runtime.calls == []


@pytest.mark.parametrize("workers", [1, 2])
def test_images_that_cannot_be_read_have_an_error_by_their_position(pixels: NDArray[np.uint8], workers: int) -> None:
    def read(image: int) -> NDArray[np.uint8]:
        if image in (4, 5, 6, 7, 20):  # one whole batch, and the last image
            raise ValueError(f"{image} is bad")
        return pixels[image]

    found, errors = embedded(PixelEmbedder(runtime=Means(workers), batch_size=4), range(21), read)
    assert errors == {number: f"{number} is bad" for number in (4, 5, 6, 7, 20)}
    np.testing.assert_array_equal(found, Means()(np.delete(pixels, [4, 5, 6, 7, 20], axis=0)))
    found, errors = embedded(PixelEmbedder(runtime=Means(workers), batch_size=4), [1, ValueError("no box"), 3], read)
    assert errors == {1: "no box"}
    np.testing.assert_array_equal(found, Means()(pixels[[1, 3]]))


def test_memory_does_not_grow_with_the_number_of_images(pixels: NDArray[np.uint8]) -> None:
    """Images are taken from a stream a few batches ahead of those embedded, no more."""
    taken, runtime = 0, Means()

    def stream() -> Any:
        nonlocal taken
        for i in range(300):
            taken += 1
            yield pixels[i % 21]

    done = 0
    with reading_threads(runtime) as threads:
        embed = PixelEmbedder(runtime=runtime, batch_size=2)
        for rows in embed_images(embed, stream(), lambda image: image, threads):
            done += len(rows.embeddings)
            assert taken - done <= 2 * (2 + (os.cpu_count() or 1))
    assert done == 300


def test_flip_and_length(pixels: NDArray[np.uint8]) -> None:
    own = Means()(pixels)
    mirrored = own[:, [1, 0, 3, 2]]
    plain = PixelEmbedder(runtime=Means(), batch_size=4)
    np.testing.assert_allclose(replace(plain, flip=True)(pixels), own + mirrored)
    lengths = np.linalg.norm(own + mirrored, axis=1, keepdims=True)
    np.testing.assert_allclose(replace(plain, flip=True, normalize=True)(pixels), (own + mirrored) / lengths, rtol=1e-6)
    assert (replace(plain, normalize=True)(np.zeros_like(pixels)) == 0).all()  # not NaN


def test_an_embedding_that_is_not_finite_names_its_image(pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    class Damaged(Means):
        def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
            rows = super().__call__(pixels, concurrent=concurrent)
            rows[pixels[:, 0, 0, 0] == 7] = np.nan
            return rows

    pixels[:, 0, 0, 0] = 0
    pixels[9, 0, 0, 0] = 7
    embed = PixelEmbedder(runtime=Damaged(), batch_size=4)
    with pytest.raises(ValueError, match="the embedding of image 9 is not finite in float32: the weights are damaged"):
        embedded(embed, pixels)

    def read(path: Path) -> NDArray[np.uint8]:
        if path.name == "8.jpg":
            raise ValueError("unreadable, and in the same batch")
        return pixels[int(path.stem)]

    with pytest.raises(ValueError, match=r"the embedding of .*9\.jpg is not finite"):
        embedded(embed, [tmp_path / f"{i}.jpg" for i in range(21)], read)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_store_is_embedded_the_same_wherever_its_pixels_are(
    people: ReidDataset, tmp_path: Path, workers: int
) -> None:
    paths = [record.path for record in people.query]
    make = partial(ImageStore, paths, (8, 4), memory_limit=0)
    stores = [ImageStore(paths, (8, 4)), make(cache_folder=tmp_path), make(cache_folder=Path("/proc/no/room"))]
    assert [store.pixels is None for store in stores] == [False, False, True]
    for store in stores:
        done: list[int] = []
        embed = PixelEmbedder(runtime=Means(workers), batch_size=5)
        found = embed_store(embed, store, done.append)
        np.testing.assert_array_equal(found, Means()(stores[0].read(np.arange(16))))
        assert done == [5, 5, 5, 1]


def test_pixels_at_hand_are_read_and_computed_without_a_thread(people: ReidDataset) -> None:
    store = ImageStore([record.path for record in people.query], (8, 4))
    for workers, batch_size, concurrent in ((1, 5, False), (3, 16, False), (3, 5, True)):
        runtime = Means(workers)
        embed_store(PixelEmbedder(runtime=runtime, batch_size=batch_size), store)
        assert {call[1] for call in runtime.calls} == {concurrent}
        here = threading.current_thread().name
        assert {call[2] == here for call in runtime.calls} == {not concurrent}


def test_an_image_that_is_gone_is_named(people: ReidDataset, tmp_path: Path) -> None:
    file = tmp_path / "gone.png"
    file.write_bytes(people.query[0].path.read_bytes())
    paths = [*(record.path for record in people.query[:4]), file]
    store = ImageStore(paths, (8, 4), memory_limit=0, cache_folder=Path("/proc/no/room"))
    file.unlink()
    with pytest.raises(ValueError, match=r"gone\.png cannot be read as an image"):
        embed_store(PixelEmbedder(runtime=Means(), batch_size=2), store)


def test_batches_are_small_on_a_cpu() -> None:
    assert default_batch_size("cpu") == 8
    assert default_batch_size("cuda") == 128
