"""A run or weights, opened to look inside: activation maps, the weights of streams, likelihoods of attributes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.augmentation import normalise
from scalereid.data.images import resize
from scalereid.inference.embedding import default_batch_size
from scalereid.inference.opening import require_trained
from scalereid.inference.trained import describe_model
from scalereid.models.inside import activation, look_inside, receptive_fields
from scalereid.process import choose_device
from scalereid.runs.checkpoint import Source, load_checkpoint


class Insides(NamedTuple):
    """What a network computes of n images."""

    embeddings: NDArray[np.float32]
    """(n, embedding_size), of length 1."""
    activations: list[NDArray[np.float32]]
    """Activation maps (n, h, w) of each stage: sums over the channels, of each image divided by their Euclidean norm."""
    weights: list[NDArray[np.float32]]
    """Weight of each stream in each channel (n, streams, channels), block by block; empty where no block weights streams."""
    likelihoods: NDArray[np.float32]
    """(n, attributes), from 0 to 1; without columns where no attributes were learned."""


class Inspector:
    """A run or weights in torch, which shows what it computes on the way to its embeddings.

    Attributes:
        metadata: What the model is and takes.
        receptive_fields: Of each block that weights streams the sides of the squares that its streams see, in pixels of its
            maps.
        attributes: What makes likelihoods of attributes from embeddings; None for a model that has learned none.
    """

    def __init__(self, model: Source, *, device: str = "auto", run_code: bool = False) -> None:
        """Load a model.

        Raises:
            FileNotFoundError: The model does not exist.
            ValueError: It is damaged, or an exported file, or two networks side by side; the message says what to do.
        """
        require_trained(model, "look inside")
        loaded = load_checkpoint(model, run_code=run_code)
        if len(loaded.model.networks) > 1:
            raise ValueError(
                f"{model} holds two networks side by side; to look inside, give one of them: the run that they are of, or its "
                "peer.safetensors"
            )
        self.metadata = describe_model(loaded, model)
        self._device = choose_device(device)
        self._model = loaded.model.to(self._device).eval()
        self.receptive_fields = receptive_fields(self._model)
        self.attributes = loaded.attributes

    def __repr__(self) -> str:
        return f"<Inspector of {self.metadata.model}>"

    @torch.inference_mode()
    def __call__(self, images: Sequence[Image.Image]) -> Insides:
        """What it computes of one or more RGB images of any sizes, resized as for all models."""
        parts = []
        for start in range(0, len(images), size := default_batch_size(self._device.type)):
            batch = [resize(image, self.metadata.image_size) for image in images[start : start + size]]
            inside = look_inside(self._model, normalise(torch.from_numpy(np.stack(batch)).to(self._device)))
            embeddings = torch.nn.functional.normalize(inside.embeddings)
            parts.append([inside.embeddings, embeddings, *map(activation, inside.stages), *inside.weights])
            stages = len(inside.stages)
        raw, unit, *joined = [torch.cat(each).cpu().numpy() for each in zip(*parts, strict=True)]
        likelihoods = self.attributes(raw) if self.attributes else np.empty((len(images), 0), np.float32)
        return Insides(unit, joined[:stages], joined[stages:], likelihoods)
