"""Cost of a model: parameters and multiply-adds, counted while an image is computed."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel


class Cost(NamedTuple):
    """Size of a model and work per image, without classifier."""

    parameters: int
    multiply_adds: int


def cost(model: EmbeddingModel, image_size: tuple[int, int] = (256, 128)) -> Cost:
    """Count parameters, and multiply-adds of convolutions and linear layers for one image of (height, width).

    Shared layers count once as parameters and at each use as work: OSNet's gate runs for each of four streams but has one set
    of parameters. (torchreid counts that set four times and reports 2,193,616 for x1.0 instead of 2,169,508; it also adds
    biases to the work: 978,878,352 instead of 978,875,392.)
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    works, was_training = list[int](), {layer: layer.training for layer in model.modules()}

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        weight = layer.get_parameter("weight")
        works.append(output.numel() * weight[0].numel())  # of one output value

    counted = [layer for layer in was_training if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in counted]
    try:
        with torch.no_grad():  # a real image: shapes alone, on the meta device, take longer
            model.eval()(torch.zeros(1, 3, *image_size, device=next(model.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
        for layer, training in was_training.items():
            layer.training = training
    return Cost(parameters, sum(works))
