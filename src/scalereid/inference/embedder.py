"""Pictures of people to embeddings, with whatever is fastest on this machine."""

import os
import warnings
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_choice, check_kind
from scalereid.attributes.layer import AttributeLayer
from scalereid.data.images import Advance
from scalereid.data.shapes import ShapeCount
from scalereid.inference.embedding import PixelEmbedder, embed_images, reading_threads
from scalereid.inference.items import find_items, names_several
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.opening import RuntimeOptions, open_model
from scalereid.inference.pixel_format import PixelFormat
from scalereid.inference.pixels import Boxes, Channels, Images, OneImage, cut_boxes, one_by_one, to_pixels
from scalereid.inference.runtimes import Runtime
from scalereid.wording import counted

if TYPE_CHECKING:
    from scalereid.runs.checkpoint import Source

OnError = Literal["raise", "report"]


class UnreadableImagesWarning(UserWarning):
    """Images that could not be read, whose rows are NaN: `images` has their row numbers and what is wrong with each."""

    def __init__(self, images: list[tuple[int, str]]) -> None:
        more = f"; and {len(images) - 3} more" if len(images) > 3 else ""
        super().__init__(
            f"{counted(len(images), 'image')} could not be read: " + "; ".join(why for _, why in images[:3]) + more
        )
        self.images = images


class Collected(NamedTuple):
    """Embeddings of the images that could be read, and what is wrong with the others."""

    embeddings: NDArray[np.float32]
    """(k, embedding_size), in the order of the images."""
    errors: dict[int, str]
    """By the position of the image."""


class Embedder:
    """A trained model at work: images to embeddings (n, embedding_size), near to each other for the same person.

    A context manager: `close` ends its threads. May be called from several threads. Memory does not grow with the number of
    images, except for the embeddings themselves.

    Attributes:
        metadata: What the model is and takes.
        flip: Whether mirror images are embedded, too.
        normalize: Whether embeddings have length 1.
        attributes: What makes likelihoods of attributes from its embeddings where they are not L2-normalised, see
            `AttributeRecognizer`; None for a model that has learned none.
        shapes: Counts the images so far, and those that do not have the shape of a person; `shapes.question()` asks whether
            they are whole frames.
    """

    def __init__(
        self,
        model: "Source",
        *,
        runtime: str = "auto",
        precision: Precision | None = None,
        device: str = "auto",
        flip: bool = False,
        normalize: bool = True,
        batch_size: int | None = None,
        run_code: bool = False,
        pixels: PixelFormat | str | None = None,
    ) -> None:
        """Load a model and prepare a runtime.

        Args:
            model: A run, a weights file of ours or torchreid's, a mapping from torchreid's tensor names to tensors, a file
                that `export` or `quantize` wrote (.onnx, .xml, .pt2), or with `pixels` a .onnx or .xml file of others.
            runtime: `torch`, `onnxruntime` or `openvino`; `auto` measures the installed ones and takes the fastest that agrees
                with torch.
            precision: Arithmetic precision. Defaults to float32, or the exported file's. `bfloat16` is up to twice as fast on
                processors that support it, with hardly any loss. `int8` takes the model that `quantize` wrote into a run;
                where bfloat16 is as fast, `auto` takes that instead.
            device: `auto`, `cpu`, `cuda`, …; runtimes other than torch compute on the CPU.
            flip: Add each image's mirror image's embedding to its own.
            normalize: Give embeddings of length 1.
            batch_size: Number of images computed together. Defaults to 8 on a CPU, 128 on a GPU.
            run_code: Allow a model that runs code of its own when it is loaded: see `load_model`; a .pt2 file does, too.
            pixels: How pixels go into a file that scalereid did not write: `torchreid`, `fast-reid`, `open-model-zoo`, or a
                `PixelFormat`. Images are resized as for all models, by Pillow's antialiased bilinear filter.

        Raises:
            FileNotFoundError: The model does not exist.
            ValueError: The model is damaged, or does not fit the runtime or the precision; the message says what to do.
            ModuleNotFoundError: The runtime is not installed; the message says how to install it.
        """
        check_kind("flip", flip, bool)
        check_kind("normalize", normalize, bool)
        options = RuntimeOptions(
            runtime=runtime,
            precision=precision,
            device=device,
            batch_size=batch_size,
            run_code=run_code,
            pixels=pixels,
        )
        opened = open_model(model, options)
        self.metadata: ModelMetadata = opened.metadata
        self.attributes: AttributeLayer | None = opened.attributes
        self.flip, self.normalize, self.shapes = flip, normalize, ShapeCount()
        self._embed: PixelEmbedder | None = PixelEmbedder(
            runtime=opened.runtime, batch_size=opened.batch_size, flip=flip, normalize=normalize
        )
        self._threads, self._process = reading_threads(opened.runtime), os.getpid()

    def __repr__(self) -> str:
        computed = "closed" if self._embed is None else f"{self.runtime.name} in {self.runtime.precision}"
        height, width = self.metadata.image_size
        return f"<Embedder {self.metadata.model}: {height}×{width} to {self.embedding_size} numbers, {computed}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its threads and let go of the runtime. A closed embedder cannot be used any more."""
        self._threads.shutdown(cancel_futures=True)
        self._embed = None

    @property
    def _open(self) -> PixelEmbedder:
        if os.getpid() != self._process:
            raise RuntimeError(
                "This Embedder was made before the process was forked, which its threads do not survive; make one in each "
                "process that embeds"
            )
        if self._embed is None:
            raise RuntimeError("This Embedder is closed; make a new one")
        return self._embed

    @property
    def runtime(self) -> Runtime:
        """What computes."""
        return self._open.runtime

    @property
    def batch_size(self) -> int:
        """Number of images computed together."""
        return self._open.batch_size

    @property
    def embedding_size(self) -> int:
        """Width of the embeddings."""
        return self.metadata.embedding_size

    def __call__(
        self,
        images: Images,
        *,
        boxes: Boxes | None = None,
        channels: Channels = "RGB",
        on_error: OnError = "raise",
    ) -> NDArray[np.float32]:
        """Embeddings (n, embedding_size), one row per image in their order; (0, embedding_size) for none.

        Args:
            images: Files, Pillow images, uint8 arrays (H, W, 3) or uint8 tensors (3, H, W) of any sizes, one or several; an
                array (n, H, W, 3) or a tensor (n, 3, H, W); a folder with all folders below it, or a pattern such as
                'crops/*.jpg', sorted by path; a .csv or .jsonl table.
            boxes: Left, top, right and bottom of people, who are cut out: (n, 4) in one frame; or in several frames, a sequence
                of such arrays, one for each. Rows are in the order of the frames.
            channels: The order in arrays and tensors; OpenCV's is BGR.
            on_error: `report` gives rows of NaN for images that cannot be read, and warns with `UnreadableImagesWarning`.

        Raises:
            FileNotFoundError: There are no images in the folder or of the pattern.
            ValueError: An image cannot be read or is not an image; the message names it.
        """
        if isinstance(images, str | os.PathLike) and names_several(images):
            images = [item.path for item in find_items(images)]
        each = one_by_one(images) if boxes is None else cut_boxes(images, boxes)
        embeddings, errors = self.collect(each, channels=channels, on_error=on_error)
        if not errors:
            return embeddings
        warnings.warn(UnreadableImagesWarning([*errors.items()]), stacklevel=2)
        rows = np.full((len(embeddings) + len(errors), self.embedding_size), np.nan, np.float32)
        rows[[i for i in range(len(rows)) if i not in errors]] = embeddings
        return rows

    def collect(
        self,
        images: Iterable[OneImage | ValueError],
        *,
        channels: Channels = "RGB",
        on_error: OnError = "raise",
        advance: Advance = lambda _: None,
    ) -> Collected:
        """Embeddings of several images, and with `on_error="report"` what is wrong with those that cannot be read.

        Raises:
            ValueError: An image cannot be read or is not an image, the message names it; or an option is not one of those.
        """
        check_choice("channels", channels, Channels)
        check_choice("on_error", on_error, OnError)
        read = partial(to_pixels, image_size=self.metadata.image_size, channels=channels, shapes=self.shapes)
        parts, errors = [np.empty((0, self.embedding_size), np.float32)], {}
        for rows in embed_images(self._open, images, read, self._threads):
            for position, error in rows.errors.items():
                if on_error == "raise":
                    raise error
                errors[position] = str(error)
            if len(rows.embeddings):
                parts.append(rows.embeddings)
            advance(len(rows.embeddings) + len(rows.errors))
        return Collected(np.concatenate(parts), errors)

    def embed_pixels(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        """Embeddings of one batch that has the model's image size already: RGB (n, height, width, 3), n ≥ 1.

        `concurrent` where several batches are computed at once, each by one thread: see `Runtime`.
        """
        return self._open(pixels, concurrent=concurrent)

    def warm_up(self) -> None:
        """Compute black images in batches of all sizes, so that the first real ones are as fast as the others."""
        embed = self._open
        sizes = {*(2**i for i in range(embed.batch_size.bit_length())), embed.batch_size}
        black = np.zeros((embed.batch_size, *self.metadata.image_size, 3), np.uint8)
        for size in sorted(sizes):
            embed(black[:size])
            if embed.runtime.workers > 1:
                embed(black[:size], concurrent=True)
