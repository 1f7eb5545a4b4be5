"""Pictures of people to embeddings, with whatever is fastest here."""

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from scalereid.inference.choice import OF_SUFFIX, runtime_for, runtime_of_file
from scalereid.inference.metadata import Precision, describe_model
from scalereid.inference.pixels import Channels, Images, OneImage, cut, one_by_one, to_pixels
from scalereid.inference.runtimes import RuntimeName
from scalereid.process import choose_device
from scalereid.runs.checkpoint import Source, load_checkpoint
from scalereid.runs.run import Run

_ON_CPU, _ON_GPU = 8, 128  # images in a batch; a CPU is fastest while a batch's maps stay in its caches

Decoded = NDArray[np.uint8] | ValueError  # an image's pixels, or what is wrong with it


class UnreadableImagesWarning(UserWarning):
    """Images that could not be read and whose rows are NaN: `images` has their numbers and what is wrong with each."""

    def __init__(self, images: list[tuple[int, str]]) -> None:
        more = f"; and {len(images) - 3} more" if len(images) > 3 else ""
        number = f"{len(images)} image" + "s" * (len(images) > 1)
        super().__init__(f"{number} could not be read: " + "; ".join(why for _, why in images[:3]) + more)
        self.images = images


class Embedder:
    """A trained model at work: anything that shows people to rows of numbers, alike for the same person.

    May be called from several threads. Memory does not grow with the number of images, but for the embeddings themselves.
    """

    def __init__(
        self,
        model: Source,
        *,
        runtime: Literal["auto"] | RuntimeName = "auto",
        precision: Precision | None = None,
        device: str = "auto",
        flip: bool = False,
        normalize: bool = True,
        batch_size: int | None = None,
        run_code: bool = False,
    ) -> None:
        """Load a model and prepare a runtime.

        Args:
            model: a run, a weights file of ours, torchreid's, a mapping from torchreid's tensor names; or a file that
                `export` or `quantize` wrote, .onnx, .xml or .pt2.
            runtime: `auto` measures those that are installed and takes the fastest that agrees with torch.
            precision: of the arithmetic; float32 unless told, or an exported file's own. `bfloat16` is up to twice as fast
                on processors that have it, for hardly any loss. `int8` takes the integers that `quantize` made of a run;
                where bfloat16 is as fast, `auto` takes that instead.
            device: `auto`, `cpu`, `cuda`, …; runtimes other than torch work on the CPU.
            flip: add each image's mirror image's embedding to its own.
            normalize: give embeddings of length 1.
            batch_size: images computed together; 8 on a CPU, 128 on a GPU unless told.
            run_code: see `load_model`; a .pt2 file takes it too.

        Raises:
            FileNotFoundError, ValueError: the model, the runtime or the precision is not to be had; the message says why.
            ModuleNotFoundError: the runtime is not installed; the message says how to install it.
        """
        self.flip, self.normalize = flip, normalize
        if precision is not None and precision not in get_args(Precision):
            raise ValueError(f"there is no precision {precision!r}; there are {', '.join(get_args(Precision))}")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        file = Path(model) if isinstance(model, str | os.PathLike) else None
        if file and file.suffix in OF_SUFFIX:
            if device not in ("auto", "cpu"):
                raise ValueError(f"exported files are computed on the CPU, not on {device!r}; give the run for that")
            self.device, self.batch_size = torch.device("cpu"), batch_size or _ON_CPU
            self.about, self.runtime = runtime_of_file(file, runtime, precision, run_code=run_code)
        else:
            loaded = load_checkpoint(model, run_code=run_code)
            self.about = describe_model(loaded, model)
            on_cpu = device == "auto" and (runtime in ("onnxruntime", "openvino") or precision == "int8")
            self.device = choose_device("cpu" if on_cpu else device)
            self.batch_size = batch_size or (_ON_GPU if self.device.type == "cuda" else _ON_CPU)
            self.runtime = runtime_for(
                loaded,
                self.about,
                runtime,
                precision or "float32",
                self.device,
                batch_size=self.batch_size,
                integers=Run(file).integers if file and file.is_dir() else None,
            )
        self._workers = max(os.cpu_count() or 1, self.runtime.lanes)
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="scalereid")

    @property
    def embedding_size(self) -> int:
        """Numbers in an embedding."""
        return self.about.embedding_size

    def __call__(
        self,
        images: Images,
        *,
        boxes: ArrayLike | None = None,
        channels: Channels = "RGB",
        on_error: Literal["raise", "report"] = "raise",
    ) -> NDArray[np.float32]:
        """Embeddings (n, embedding_size), one row an image, in their order; (0, embedding_size) for none.

        Args:
            images: files, Pillow images, arrays (H, W, 3) or tensors (3, H, W) of uint8, of any sizes, or one of these; an
                array (n, H, W, 3) or a tensor (n, 3, H, W).
            boxes: (n, 4) left, top, right, bottom of people in one image, which are cut out.
            channels: the order in arrays and tensors; OpenCV's is BGR.
            on_error: `report` gives rows of NaN for images that cannot be read, and warns with `UnreadableImagesWarning`.

        Raises:
            ValueError: an image cannot be read, or is none; the message names it.
        """
        for given, choices in ((channels, get_args(Channels)), (on_error, ("raise", "report"))):
            if given not in choices:
                raise ValueError(f"{given!r} is none of {', '.join(choices)}")
        if boxes is not None:
            frames = list(islice(one_by_one(images), 2))
            if len(frames) != 1:
                raise ValueError("boxes are of one frame; give one image with them")
            images = cut(frames[0], boxes)  # type: ignore[assignment] # an error in place of a part is passed on
        embeddings, unreadable = self.collect(one_by_one(images), channels=channels, on_error=on_error)
        if unreadable:
            warnings.warn(UnreadableImagesWarning([*unreadable.items()]), stacklevel=2)
        return embeddings

    def collect(
        self,
        images: Iterable[OneImage],
        *,
        channels: Channels = "RGB",
        on_error: Literal["raise", "report"] = "raise",
    ) -> tuple[NDArray[np.float32], dict[int, str]]:
        """The embeddings of several images, and with `on_error="report"` what is wrong with those whose rows are NaN.

        Raises:
            ValueError: an image cannot be read, or is none; the message names it.
        """
        rows: list[NDArray[np.float32]] = []
        unreadable: dict[int, str] = {}
        done = 0
        for found, wrong in self._in_batches(images, channels):
            if wrong and on_error == "raise":
                raise next(iter(wrong.values()))
            unreadable |= {done + i: str(error) for i, error in wrong.items()}
            rows.append(found)
            done += len(found)
        return np.concatenate(rows) if rows else np.empty((0, self.embedding_size), np.float32), unreadable

    def embed_pixels(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:
        """Embeddings of one batch that has the model's size already: RGB (n, height, width, 3), n ≥ 1.

        `lane` where several batches are computed at once, each by one thread: see `Runtime`.
        """
        embeddings = self.runtime(pixels, lane=lane)
        if self.flip:
            embeddings = embeddings + self.runtime(np.ascontiguousarray(pixels[:, :, ::-1]), lane=lane)
        if self.normalize:
            embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)
        return embeddings

    def warm_up(self) -> None:
        """Compute batches of nothing of all sizes, so that the first real ones are as fast as the others."""
        sizes = {*(2**i for i in range(self.batch_size.bit_length())), self.batch_size}
        nothing = np.zeros((self.batch_size, *self.about.image_size, 3), np.uint8)
        for size in sorted(sizes):
            self.embed_pixels(nothing[:size])
            if self.runtime.lanes > 1:
                self.embed_pixels(nothing[:size], lane=True)

    def _in_batches(
        self, images: Iterable[OneImage], channels: Channels
    ) -> Iterator[tuple[NDArray[np.float32], dict[int, ValueError]]]:
        """Embeddings of one batch after the other, in order, and what is wrong with the images whose rows are NaN."""

        def decode(image: OneImage | ValueError) -> Decoded:
            if isinstance(image, ValueError):
                return image
            try:
                return to_pixels(image, self.about.image_size, channels)
            except ValueError as error:
                return error

        batches = _batches(iter(images), self.batch_size)
        first, second = next(batches, None), next(batches, None)
        if first is None:
            return
        if second is None:
            yield self._rows([*self._pool.map(decode, first)])
            return
        # Many batches: decoded in threads some ahead, and embedded there too, each by one thread, where that is worth it.
        in_lanes = self.runtime.lanes > 1

        def work(batch: list[OneImage]) -> Any:
            decoded = [decode(image) for image in batch]
            return self._rows(decoded, lane=True) if in_lanes else decoded

        ahead: deque[Future[Any]] = deque()
        for batch in chain((first, second), batches):
            ahead.append(self._pool.submit(work, batch))
            if len(ahead) > self._workers:
                result = ahead.popleft().result()
                yield result if in_lanes else self._rows(result)
        while ahead:
            result = ahead.popleft().result()
            yield result if in_lanes else self._rows(result)

    def _rows(
        self, images: Sequence[Decoded], *, lane: bool = False
    ) -> tuple[NDArray[np.float32], dict[int, ValueError]]:
        wrong = {i: image for i, image in enumerate(images) if isinstance(image, ValueError)}
        usable = {i: image for i, image in enumerate(images) if not isinstance(image, ValueError)}
        rows = np.full((len(images), self.embedding_size), np.nan, np.float32)
        if usable:
            rows[[*usable]] = self.embed_pixels(np.stack([*usable.values()]), lane=lane)
        return rows, wrong


def _batches(images: Iterator[OneImage], size: int) -> Iterator[list[OneImage]]:
    while batch := list(islice(images, size)):
        yield batch
