"""Batch norms fused into the layers before them: the same embeddings with fewer layers."""

import copy
from itertools import pairwise
from typing import TypeGuard, TypeVar

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

_Kind = TypeVar("_Kind", bound=nn.Module)


def fuse_batch_norms(model: nn.Module) -> nn.Module:
    """A copy of a model, for evaluation, with every batch norm that follows a convolution or linear layer fused into it.

    Fuses neighbours in an `nn.Sequential`, as all networks here have them. Other layers stay as they are, such as those of
    subclasses or with hooks, which may compute something else of their weights, and norms without running statistics.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    sequences = [module for module in model.modules() if isinstance(module, nn.Sequential)]
    for layers in [each for each in sequences if type(each).forward is nn.Sequential.forward]:
        for before, after in pairwise(list(layers._modules)):
            layer, norm = layers._modules[before], layers._modules[after]
            if _is_plain(layer, nn.Conv2d) and _is_plain(norm, nn.BatchNorm2d) and norm.running_mean is not None:
                layers._modules[before] = fuse_conv_bn_eval(layer, norm)
            elif _is_plain(layer, nn.Linear) and _is_plain(norm, nn.BatchNorm1d) and norm.running_mean is not None:
                layers._modules[before] = fuse_linear_bn_eval(layer, _scaled(norm, layer.weight))
            else:
                continue
            layers._modules[after] = nn.Identity()
    return model


def _is_plain(layer: nn.Module | None, kind: type[_Kind]) -> TypeGuard[_Kind]:
    """Whether a layer is of this class itself, and computes what that does."""
    return type(layer) is kind and not (layer._forward_hooks or layer._forward_pre_hooks)


def _scaled(norm: nn.BatchNorm1d, like: Tensor) -> nn.BatchNorm1d:
    """The norm with a scale and a shift, without which PyTorch cannot fuse it into a linear layer."""
    if not norm.affine:
        norm.weight = nn.Parameter(like.new_ones(norm.num_features), requires_grad=False)
        norm.bias = nn.Parameter(like.new_zeros(norm.num_features), requires_grad=False)
    return norm
