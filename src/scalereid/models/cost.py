"""Cost of a model: parameters and multiply-adds, counted on the meta device, which computes shapes only."""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

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
    on_meta = deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(torch.empty(1, 3, *image_size, device="meta"))
    return Cost(parameters, counter.get_total_flops() // 2)
