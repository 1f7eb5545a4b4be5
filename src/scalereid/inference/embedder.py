"""Pictures of people to embeddings, with whatever is fastest here."""

import json
import os
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from scalereid.assembly import own_file
from scalereid.checkpoint import LoadedModel, Source, load_checkpoint
from scalereid.data.images import default_cache_folder
from scalereid.inference.graph import About, read_about, write_onnx
from scalereid.inference.pixels import Channels, Images, OneImage, cut, one_by_one, to_pixels
from scalereid.inference.runtimes import (
    PRECISIONS,
    OnnxRuntime,
    OpenVinoRuntime,
    Precision,
    Runtime,
    RuntimeName,
    TorchRuntime,
    agree,
    installed,
)
from scalereid.models.fingerprint import fingerprint
from scalereid.process import choose_device

_BATCH_SIZES = {"cpu": 8, "cuda": 128}  # a CPU is fastest while a batch's maps stay in its caches
_AHEAD = 3  # batches decoded while one is embedded
_LEAST_COSINE = {"float32": 0.99999, "bfloat16": 0.98, "float16": 0.98}
"""To the model in torch, below which a runtime is not used. Random pictures are harder than real ones in half precision."""
_IMAGE_SIZE = (256, 128)  # of released weights, which do not say


class UnreadableImagesWarning(UserWarning):
    """Images that could not be read and whose rows are NaN: `images` has their numbers and what is wrong with each."""

    def __init__(self, images: list[tuple[int, str]]) -> None:
        super().__init__(f"{len(images)} images could not be read: " + "; ".join(why for _, why in images[:3]))
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
        precision: Precision = "float32",
        device: str = "auto",
        flip: bool = False,
        normalize: bool = True,
        batch_size: int | None = None,
        run_code: bool = False,
    ) -> None:
        """Load a model and prepare a runtime.

        Args:
            model: a run, a weights file of ours, torchreid's, a mapping from torchreid's tensor names; or a file that
                `export` or `quantize` wrote, .onnx or .xml.
            runtime: `auto` measures those that are installed and takes the fastest that agrees with torch.
            precision: of the arithmetic; `bfloat16` is twice as fast on processors that have it, for hardly any loss.
            device: `auto`, `cpu`, `cuda`, …; runtimes other than torch work on the CPU.
            flip: add each image's mirror image's embedding to its own.
            normalize: give embeddings of length 1.
            batch_size: images computed together; 8 on a CPU, 128 on a GPU unless told.
            run_code: see `load_model`.

        Raises:
            FileNotFoundError, ValueError: the model, the runtime or the precision is not to be had; the message says why.
            ModuleNotFoundError: the runtime is not installed; the message says how to install it.
        """
        self.flip, self.normalize = flip, normalize
        if isinstance(model, str | os.PathLike) and Path(model).suffix in (".onnx", ".xml"):
            self.device, self.batch_size = torch.device("cpu"), batch_size or _BATCH_SIZES["cpu"]
            self.about, self.runtime = _from_file(Path(model), runtime, precision)
            return
        loaded = load_checkpoint(model, run_code=run_code)
        self.about = describe_model(loaded, model)
        self.device = choose_device("cpu" if device == "auto" and runtime in ("onnxruntime", "openvino") else device)
        self.batch_size = batch_size or _BATCH_SIZES.get(self.device.type, 64)
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.runtime = _choose(loaded, self.about, runtime, precision, self.device, self.batch_size)

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
        if boxes is not None:
            [frame] = one_by_one(images)
            images = cut(frame, boxes, channels)
        rows: list[NDArray[np.float32]] = []
        bad: list[tuple[int, str]] = []
        for batch in self._decoded(one_by_one(images), channels):
            usable = [i for i, pixels in enumerate(batch) if not isinstance(pixels, ValueError)]
            for i, pixels in enumerate(batch):
                if isinstance(pixels, ValueError):
                    if on_error == "raise":
                        raise pixels
                    bad.append((sum(map(len, rows)) + i, str(pixels)))
            found = np.full((len(batch), self.embedding_size), np.nan, np.float32)
            if usable:
                found[usable] = self.embed_pixels(np.stack([batch[i] for i in usable]))  # type: ignore[misc]
            rows.append(found)
        if bad:
            warnings.warn(UnreadableImagesWarning(bad), stacklevel=2)
        return np.concatenate(rows) if rows else np.empty((0, self.embedding_size), np.float32)

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeddings of one batch that has the model's size already: RGB (n, height, width, 3), n ≥ 1."""
        embeddings = self.runtime(pixels)
        if self.flip:
            embeddings = embeddings + self.runtime(np.ascontiguousarray(pixels[:, :, ::-1]))
        if self.normalize:
            embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)
        return embeddings

    def warm_up(self) -> None:
        """Compute one batch of nothing, so that the first real one is as fast as the others."""
        self.embed_pixels(np.zeros((self.batch_size, *self.about.image_size, 3), np.uint8))

    def _decoded(
        self, images: Iterator[OneImage], channels: Channels
    ) -> Iterator[list[NDArray[np.uint8] | ValueError]]:
        """Batches of pixels, read in threads while the one before is embedded; in place of what cannot be read, the error."""

        def decode(image: OneImage) -> NDArray[np.uint8] | ValueError:
            try:
                return to_pixels(image, self.about.image_size, channels)
            except ValueError as error:
                return error

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            ahead: deque[list[Future[NDArray[np.uint8] | ValueError]]] = deque()
            for batch in _batches(images, self.batch_size):
                ahead.append([pool.submit(decode, image) for image in batch])
                if len(ahead) > _AHEAD:
                    yield [future.result() for future in ahead.popleft()]
            while ahead:
                yield [future.result() for future in ahead.popleft()]


def describe_model(loaded: LoadedModel, source: Source) -> About:
    """What a model is, for its embeddings and its files."""
    recipe = loaded.recipe
    size = recipe.data.image_size if recipe else _IMAGE_SIZE
    dataset = loaded.about.get("dataset", {})
    name = Path(os.fspath(source)).name if isinstance(source, str | os.PathLike) else "given tensors"
    return About(
        model=f"{loaded.report.backbone} ({name})",
        fingerprint=fingerprint(loaded.model, size),
        image_size=size,
        embedding_size=loaded.model.embedding_size,
        training=f"{dataset['name']} ({dataset['fingerprint']})" if dataset else "",
        recipe=json.dumps(recipe.to_json()) if recipe else "",
    )


def _from_file(file: Path, name: str, precision: Precision) -> tuple[About, Runtime]:
    """An exported model, which was compared with torch's when it was written."""
    own: RuntimeName = "openvino" if file.suffix == ".xml" else "onnxruntime"
    if name not in ("auto", own):
        raise ValueError(f"{file} is for {own}, not for {name}")
    _require(own, precision, "cpu")
    about = read_about(file)
    if not about.takes_pixels:
        raise ValueError(f"{file} takes {about.input}: export it with normalisation inside")
    threads = torch.get_num_threads()
    return about, OnnxRuntime(file, threads) if own == "onnxruntime" else OpenVinoRuntime(file, precision, threads)


def _require(name: RuntimeName, precision: Precision, kind: str) -> None:
    """Say so when a runtime is not there, or does not compute in this precision on this kind of device."""
    if not installed(name):
        raise ModuleNotFoundError(f"{name} is not installed: pip install 'scalereid[export]'")
    able = PRECISIONS[name].get(kind, ())
    if precision not in able:
        can = ", ".join(able) or f"nothing on {kind}"
        raise ValueError(f"{name} does not compute in {precision} on {kind}; it does in {can}")


def _choose(
    loaded: LoadedModel, about: About, name: str, precision: Precision, device: torch.device, batch_size: int
) -> Runtime:
    kind = device.type
    if name != "auto":
        chosen: RuntimeName = name  # type: ignore[assignment]
        if chosen not in PRECISIONS:
            raise ValueError(f"there is no runtime {name!r}; there are auto, {', '.join(PRECISIONS)}")
        _require(chosen, precision, kind)
        return _checked(_make(loaded, about, chosen, precision, device), loaded, about)
    able = [other for other in PRECISIONS if installed(other) and precision in PRECISIONS[other].get(kind, ())]
    if not able:
        raise ValueError(f"no runtime here computes in {precision} on {kind}")
    runtimes = [_make(loaded, about, other, precision, device) for other in able]
    if len(runtimes) > 1:
        runtimes.sort(key=lambda runtime: _seconds(runtime, about, batch_size))
    for runtime in runtimes[:-1]:
        try:
            return _checked(runtime, loaded, about)
        except ValueError as error:
            warnings.warn(str(error), stacklevel=4)
    return _checked(runtimes[-1], loaded, about)


def _make(loaded: LoadedModel, about: About, name: RuntimeName, precision: Precision, device: torch.device) -> Runtime:
    if name == "torch":
        return TorchRuntime(loaded.model, precision, device)
    file = _graph(loaded, about)
    threads = torch.get_num_threads()
    return OnnxRuntime(file, threads) if name == "onnxruntime" else OpenVinoRuntime(file, precision, threads)


def _graph(loaded: LoadedModel, about: About) -> Path:
    """The model as ONNX, written once and kept in the cache folder."""
    code = "own-" if loaded.recipe and own_file(loaded.recipe.model.backbone) else ""
    file = default_cache_folder() / "graphs" / f"{code}{about.fingerprint}-{torch.__version__}.onnx"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_onnx(loaded.model, about, file)
    return file


def _checked(runtime: Runtime, loaded: LoadedModel, about: About) -> Runtime:
    """`runtime`, if it computes what the model does."""
    if runtime.name == "torch" and runtime.precision == "float32":
        return runtime
    reference = TorchRuntime(loaded.model, "float32", torch.device("cpu"))
    cosine = agree(reference, runtime, about.image_size)
    if not cosine >= _LEAST_COSINE[runtime.precision]:
        raise ValueError(
            f"{runtime.name} in {runtime.precision} does not give this model's embeddings: a cosine of {cosine:.5f} to torch's"
        )
    return runtime


def _seconds(runtime: Runtime, about: About, batch_size: int) -> float:
    """The quickest of three batches after a first one."""
    pixels = np.zeros((batch_size, *about.image_size, 3), np.uint8)
    times = []
    for _ in range(4):
        started = time.perf_counter()
        runtime(pixels)
        times.append(time.perf_counter() - started)
    return min(times[1:])


def _batches(images: Iterable[OneImage], size: int) -> Iterator[list[OneImage]]:
    remaining = iter(images)
    while batch := list(islice(remaining, size)):
        yield batch
