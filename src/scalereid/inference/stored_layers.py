"""The layers that a model has learned beside its network, as exported files hold them: as text beside the metadata."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.layer import AttributeLayer
from scalereid.classification.layer import ClassLayer
from scalereid.inference.metadata import KEY, ModelMetadata
from scalereid.named_layer import NamedLayer
from scalereid.typed_json import from_json, parse

_ATTRIBUTES, _CLASSES = f"{KEY}_attributes", f"{KEY}_classes"
KEYS = (KEY, _ATTRIBUTES, _CLASSES)
"""What scalereid writes into a file; all but the first may be missing."""
_Layer = TypeVar("_Layer", bound=NamedLayer)


class Layers(NamedTuple):
    """What makes likelihoods or probabilities from a model's embeddings."""

    attributes: AttributeLayer | None = None
    """None for a model that has learned none."""
    classes: ClassLayer | None = None
    """None for a model of people."""


NO_LAYERS = Layers()


@dataclass(frozen=True)
class _Written:
    """A layer in a file."""

    names: tuple[str, ...]
    weight: str
    """float32, little-endian, in base64: (names, embedding_size), row by row."""
    bias: str
    """In the same way: (names,)."""


def texts_of(metadata: ModelMetadata, layers: Layers) -> dict[str, str]:
    """What a file holds beside its network, by `KEYS`."""
    found = zip((_ATTRIBUTES, _CLASSES), layers, strict=True)
    return {KEY: metadata.to_json()} | {key: _text(layer) for key, layer in found if layer}


def layers_of(texts: Mapping[str, str], embedding_size: int) -> Layers:
    """The layers of a file, of the texts that it holds by `KEYS`.

    Raises:
        ValueError: One is damaged, or is for embeddings of another size.
    """
    return Layers(
        _layer(AttributeLayer, texts, _ATTRIBUTES, embedding_size), _layer(ClassLayer, texts, _CLASSES, embedding_size)
    )


def _text(layer: NamedLayer) -> str:
    weight, bias = (b64encode(np.asarray(part, "<f4").tobytes()).decode() for part in (layer.weight, layer.bias))
    return json.dumps({"names": layer.names, "weight": weight, "bias": bias})


def _layer(kind: type[_Layer], texts: Mapping[str, str], key: str, embedding_size: int) -> _Layer | None:
    if key not in texts:
        return None
    try:
        written: _Written = from_json(_Written, parse(texts[key]), key)
        return kind(written.names, _numbers(written.weight).reshape(-1, embedding_size), _numbers(written.bias))
    except ValueError as error:
        raise ValueError(f"its {kind.named} are damaged: {error}") from error


def _numbers(text: str) -> NDArray[np.float32]:
    return np.frombuffer(b64decode(text, validate=True), "<f4").astype(np.float32)
