"""A model built by the name of its backbone, with random weights."""

from inspect import signature

import torch

from scalereid.lookup import find
from scalereid.models import BACKBONES
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import Genotype


def build_model(
    backbone: str | Genotype, *, width: float | None = None, genotype: Genotype | None = None, embedding_size: int = 512
) -> EmbeddingModel:
    """A model with random weights: backbone, pooling, embedding layer.

    Args:
        backbone: Name of the backbone, or `FILE.py:NAME`, or a genotype, which gives an OSNet.
        width: Factor of the backbone's channel counts. Defaults to the one in its name.
        genotype: Placement of instance norm. Defaults to the one in the backbone's name.
        embedding_size: Width of the embeddings.

    Raises:
        ValueError: The backbone does not exist, or has no width or genotype to change.
    """
    if isinstance(backbone, Genotype):
        genotype, backbone = backbone, "osnet_x1_0"
    make = find(backbone, BACKBONES)
    chosen = {name: value for name, value in {"width": width, "genotype": genotype}.items() if value is not None}
    for name in chosen.keys() - signature(make).parameters.keys():
        raise ValueError(f"{backbone} has no {name} to change; leave model.{name} out")
    return EmbeddingModel(make(**chosen), embedding_size=embedding_size)


def to_device(model: EmbeddingModel, device: torch.device) -> EmbeddingModel:
    """Move `model` to `device`, with weights laid out channels last, which convolutions prefer."""
    placed: EmbeddingModel = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
