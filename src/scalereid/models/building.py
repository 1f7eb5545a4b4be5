"""A model built by the name of its backbone, with random weights."""

from collections.abc import Mapping
from inspect import signature

import torch

from scalereid.arguments import check_choice, check_kind, check_number, check_whole
from scalereid.lookup import find
from scalereid.models import BACKBONES
from scalereid.models.backbone import Backbone
from scalereid.models.embedding_model import EmbeddingModel, NeckName, PoolingName
from scalereid.models.genotype import Genotype
from scalereid.models.options import Option, check_options


def build_model(
    backbone: str | Genotype,
    *,
    width: float | None = None,
    genotype: Genotype | None = None,
    options: Mapping[str, Option] | None = None,
    embedding_size: int = 512,
    pooling: PoolingName = "average",
    neck: NeckName = "fc",
) -> EmbeddingModel:
    """A model with random weights: backbone, pooling, neck.

    Args:
        backbone: Name of the backbone, or `FILE.py:NAME`, or a genotype, which gives an OSNet.
        width: Factor of the backbone's channel counts. Defaults to the one in its name.
        genotype: Placement of instance norm. Defaults to the one in the backbone's name.
        options: Other keyword arguments of the backbone's constructor, such as `{"depth": 2}`.
        embedding_size: Width of the embeddings.
        pooling: `average`, `max`, or `gem` for the generalised mean.
        neck: `fc` for linear, batch norm and ReLU, or `bnneck` for batch norm between the features whose distances are
            learned and the embeddings, or `none` for the pooled maps.

    Raises:
        ValueError: The backbone does not exist or is not a `Backbone`, has no width or genotype to change, or does not take
            these options; `embedding_size` is below 1; or there is no such pooling or neck.
    """
    check_kind("backbone", backbone, str | Genotype)
    check_kind("genotype", genotype, Genotype, or_none=True)
    check_kind("options", options, Mapping, or_none=True)
    if width is not None:
        check_number("width", width, 0.1, 10)
    check_whole("embedding_size", embedding_size, 1, 100_000)
    check_choice("pooling", pooling, PoolingName)
    check_choice("neck", neck, NeckName)
    if isinstance(backbone, Genotype):
        genotype, backbone = backbone, "osnet_x1_0"
    make = find(backbone, BACKBONES)
    chosen = {name: value for name, value in {"width": width, "genotype": genotype}.items() if value is not None}
    for name in chosen.keys() - signature(make).parameters.keys():
        raise ValueError(f"{backbone} has no {name} to change; leave model.{name} out")
    options = options or {}
    check_options(backbone, make, {**chosen, **options})
    try:
        made = make(**chosen, **options)
    except (AttributeError, TypeError, RuntimeError) as error:
        raise ValueError(f"{backbone} cannot be built: {type(error).__name__}: {error}") from error
    _check_backbone(backbone, made)
    return EmbeddingModel(made, embedding_size=embedding_size, pooling=pooling, neck=neck)


def _check_backbone(name: str, made: object) -> None:
    """Check that what was made has a backbone's attributes."""
    kind = type(made).__name__
    if not isinstance(made, Backbone):
        raise ValueError(f"{name} is of the class {kind}; expected a subclass of scalereid.models.Backbone")
    channels = getattr(made, "out_channels", None)
    if not isinstance(channels, int) or channels < 1:
        raise ValueError(
            f"{kind}.out_channels is {channels}; set it to the number of channels of the feature maps, such as 512"
        )


def to_device(model: EmbeddingModel, device: torch.device) -> EmbeddingModel:
    """Move `model` to `device`, with weights laid out channels last, which convolutions prefer."""
    placed: EmbeddingModel = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
