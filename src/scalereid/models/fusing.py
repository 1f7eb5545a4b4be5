"""Batch norms folded into the layers before them: the same numbers with fewer layers."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def folded(model: nn.Module) -> nn.Module:
    """A copy of a model for evaluation in which every batch norm that follows a convolution or linear layer is part of it.

    That holds for neighbours in an `nn.Sequential`, as all here are; whatever else a network of one's own has stays as it is.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    for layers in model.modules():
        if isinstance(layers, nn.Sequential):
            _fold(layers)
    return model


def _fold(layers: nn.Sequential) -> None:
    names = list(layers._modules)
    for before, after in pairwise(names):
        layer, norm = layers._modules[before], layers._modules[after]
        if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layers._modules[before] = fuse_conv_bn_eval(layer, norm)
        elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
            layers._modules[before] = fuse_linear_bn_eval(layer, norm)
        else:
            continue
        layers._modules[after] = nn.Identity()
