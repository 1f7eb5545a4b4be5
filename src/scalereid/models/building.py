"""A model by the name of its backbone, untrained."""

from inspect import signature

import torch

from scalereid.lookup import find
from scalereid.models import BACKBONES
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import Genotype


def build_model(
    backbone: str | Genotype,
    *,
    width: float | None = None,
    genotype: Genotype | None = None,
    embedding_size: int = 512,
) -> EmbeddingModel:
    """A model with random weights: backbone, pooling, embedding layer.

    Args:
        backbone: by name, or `FILE.py:NAME`, or a genotype, which makes an OSNet.
        width: multiplies the backbone's channel counts, in place of what its name says.
        genotype: where instance norm stands, in place of what its name says.
        embedding_size: of the embeddings.

    Raises:
        ValueError: there is no such backbone, or it has no width or genotype to change.
    """
    if isinstance(backbone, Genotype):
        return build_model("osnet_x1_0", width=width, genotype=backbone, embedding_size=embedding_size)
    make = find(backbone, BACKBONES)
    options = {"width": width, "genotype": genotype}
    chosen = {name: value for name, value in options.items() if value is not None}
    for name in chosen.keys() - signature(make).parameters.keys():
        raise ValueError(f"{backbone} has no {name} to change; leave model.{name} out")
    return EmbeddingModel(make(**chosen), embedding_size=embedding_size)


def to_device(model: EmbeddingModel, device: torch.device) -> EmbeddingModel:
    """`model` on `device`, with weights laid out channels last, which convolutions prefer."""
    placed: EmbeddingModel = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
