"""Batch norms fused into the layers before them: the same embeddings with fewer layers."""

import copy
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def fuse_batch_norms(model: nn.Module) -> nn.Module:
    """A copy of a model, for evaluation, with every batch norm that follows a convolution or linear layer fused into it.

    Fuses neighbours in an `nn.Sequential`, as all networks here have them; other layers stay as they are.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    for layers in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for before, after in pairwise(list(layers._modules)):
            layer, norm = layers._modules[before], layers._modules[after]
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layers._modules[before] = fuse_conv_bn_eval(layer, norm)
            elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                layers._modules[before] = fuse_linear_bn_eval(layer, _scaled(norm, layer.weight))
            else:
                continue
            layers._modules[after] = nn.Identity()
    return model


def _scaled(norm: nn.BatchNorm1d, like: Tensor) -> nn.BatchNorm1d:
    """The norm with a scale and a shift, without which PyTorch cannot fuse it into a linear layer."""
    if not norm.affine:
        norm.weight = nn.Parameter(like.new_ones(norm.num_features), requires_grad=False)
        norm.bias = nn.Parameter(like.new_zeros(norm.num_features), requires_grad=False)
    return norm
