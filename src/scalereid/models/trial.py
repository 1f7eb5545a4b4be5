"""A backbone tried on two small pictures, before hours of work rather than after."""

import torch
from torch import Tensor

from scalereid.models.backbone import Backbone


def try_backbone(backbone: Backbone, image_size: tuple[int, int]) -> None:
    """Compute the maps of two pictures of noise of `image_size` (height, width), in training and in evaluation mode.

    Its mode and the statistics of batch norm change, and random numbers may be drawn: try one that is thrown away.

    Raises:
        ValueError: It fails, or returns other maps than `out_channels` and `stage_channels` promise; the message names its
            class, what was found and what was expected.
    """
    device = next((parameter.device for parameter in backbone.parameters()), torch.device("cpu"))
    images = torch.randn(2, 3, *image_size, generator=torch.Generator().manual_seed(0)).to(device)
    for training in (True, False):
        backbone.train(training)
        mode = f"in {'training' if training else 'evaluation'}, of images {tuple(images.shape)}"
        try:
            with torch.no_grad():
                stages = backbone.stage_maps(images) if training else [backbone(images)]
        except Exception as error:
            raise ValueError(f"{_name(backbone)} fails {mode}: {type(error).__name__}: {error}") from error
        _check(backbone, stages, mode, promised=backbone.stage_channels if training else ())


def _check(backbone: Backbone, stages: object, mode: str, *, promised: tuple[int, ...]) -> None:
    name = _name(backbone)
    if not isinstance(stages, list | tuple) or not stages:
        raise ValueError(
            f"{name}.stage_maps returns {_words(stages)} {mode}; expected a list of the maps of its stages"
        )
    if promised and len(stages) != len(promised):
        raise ValueError(
            f"{name}.stage_maps returns {len(stages)} maps {mode}; expected {len(promised)}, as stage_channels is {promised}"
        )
    for number, channels in enumerate(promised):
        _check_maps(f"{name}'s maps of stage {number + 1}", stages[number], f"stage_channels[{number}]", channels, mode)
    _check_maps(f"{name}'s feature maps", stages[-1], "out_channels", backbone.out_channels, mode)


def _check_maps(what: str, maps: object, attribute: str, channels: int, mode: str) -> None:
    if not isinstance(maps, Tensor) or maps.dim() != 4 or maps.shape[0] != 2:
        raise ValueError(f"{what} are {_words(maps)} {mode}; expected a tensor (2, {channels}, h, w)")
    if maps.shape[1] != channels:
        raise ValueError(
            f"{what} have {maps.shape[1]} channels, {_words(maps)} {mode}; expected {channels}, as {attribute} says"
        )
    if wrong := int((~maps.isfinite()).sum()):
        raise ValueError(f"{what} hold {wrong} values that are infinite or not a number, {_words(maps)} {mode}")


def _name(backbone: Backbone) -> str:
    return type(backbone).__name__


def _words(value: object) -> str:
    return f"{tuple(value.shape)}" if isinstance(value, Tensor) else f"a value of type {type(value).__name__}"
