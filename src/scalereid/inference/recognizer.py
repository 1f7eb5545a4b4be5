"""Pictures of people to likelihoods of attributes, by a model that has learned them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.layer import AttributeLayer
from scalereid.data.images import Advance
from scalereid.inference.embedder import Embedder, OnError
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.pixels import Boxes, Channels, Images, OneImage

if TYPE_CHECKING:
    from scalereid.runs.checkpoint import Source


class Recognized(NamedTuple):
    """Likelihoods of the images that could be read, and what is wrong with the others."""

    likelihoods: NDArray[np.float32]
    """(k, attributes), in the order of the images."""
    errors: dict[int, str]
    """By the position of the image."""


class AttributeRecognizer:
    """A trained model at work: images to likelihoods of attributes (n, attributes), from 0 to 1.

    The embeddings are computed as by `Embedder`. A context manager: `close` ends its threads. May be called from several
    threads.

    Attributes:
        embedder: What computes the embeddings.
        names: The attributes, in the order of the columns.
    """

    def __init__(self, model: "Source", *, options: RuntimeOptions | None = None) -> None:
        """Load a model and prepare a runtime.

        Args:
            model: A run or a weights file of a training with attributes, or a file exported from one.
            options: What computes the embeddings. Defaults to the fastest runtime that agrees with torch.

        Raises:
            FileNotFoundError: The model does not exist.
            ValueError: The model is damaged, or has learned no attributes, or does not fit the options.
            ModuleNotFoundError: The runtime is not installed; the message says how to install it.
        """
        self.embedder = Embedder(model, **vars(options or RuntimeOptions()), normalize=False)
        try:
            self._layer = require_attributes(self.embedder.attributes, self.metadata.model)
        except ValueError:
            self.embedder.close()
            raise
        self.names = self._layer.names

    def __repr__(self) -> str:
        return f"<AttributeRecognizer {self.metadata.model}: {len(self.names)} attributes>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its threads and let go of the runtime."""
        self.embedder.close()

    @property
    def metadata(self) -> ModelMetadata:
        """What the model is and takes."""
        return self.embedder.metadata

    def __call__(
        self,
        images: Images,
        *,
        boxes: Boxes | None = None,
        channels: Channels = "RGB",
        on_error: OnError = "raise",
    ) -> NDArray[np.float32]:
        """Likelihoods (n, attributes), one row per image in their order. Arguments and errors are those of `Embedder`."""
        return self._layer(self.embedder(images, boxes=boxes, channels=channels, on_error=on_error))

    def collect(
        self,
        images: Iterable[OneImage | ValueError],
        *,
        channels: Channels = "RGB",
        on_error: OnError = "raise",
        advance: Advance = lambda _: None,
    ) -> Recognized:
        """Likelihoods of several images, and with `on_error="report"` what is wrong with those that cannot be read.

        Raises:
            ValueError: An image cannot be read or is not an image; the message names it.
        """
        found = self.embedder.collect(images, channels=channels, on_error=on_error, advance=advance)
        return Recognized(self._layer(found.embeddings), found.errors)


def require_attributes(layer: AttributeLayer | None, model: str) -> AttributeLayer:
    """The layer of a model's attributes.

    Raises:
        ValueError: It has none.
    """
    if layer is None:
        raise ValueError(
            f"{model} has learned no attributes; give a run or weights trained with objective.attributes, or a file "
            "exported from such"
        )
    return layer
