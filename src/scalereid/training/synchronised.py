"""Batch norm over the images of all processes: torch's own does that on GPUs only."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from scalereid.distributed import processes


def synchronise_batch_norms(model: nn.Module) -> None:
    """Let every batch norm of `model` normalise by the whole batch's mean and deviation, as one process does.

    Weights and statistics are those that it has, under the same names. With one process, nothing changes.
    """
    if processes() == 1:
        return
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm) is nn.BatchNorm1d:
                setattr(parent, name, _as(_BatchNorm1d, norm))
            elif type(norm) is nn.BatchNorm2d:
                setattr(parent, name, _as(_BatchNorm2d, norm))


class _BatchNorm1d(nn.BatchNorm1d):
    def forward(self, input: Tensor) -> Tensor:
        """Normalised (b, c) or (b, c, l)."""
        return _normalise(self, input) if self.training or self.running_mean is None else super().forward(input)


class _BatchNorm2d(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:
        """Normalised (b, c, h, w)."""
        return _normalise(self, input) if self.training or self.running_mean is None else super().forward(input)


def _as(kind: type[_BatchNorm1d | _BatchNorm2d], norm: Any) -> nn.Module:
    """A norm of another class with the same parameters and buffers."""
    made = kind(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    for name, parameter in norm.named_parameters(recurse=False):
        setattr(made, name, parameter)
    for name, buffer in norm.named_buffers(recurse=False):
        setattr(made, name, buffer)
    return made


def _normalise(norm: _BatchNorm1d | _BatchNorm2d, maps: Tensor) -> Tensor:
    normalised, mean, variance = _Normalise.apply(maps, norm.weight, norm.bias, norm.eps)  # type: ignore[no-untyped-call]
    if norm.track_running_stats and norm.running_mean is not None and norm.running_var is not None:
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked += 1
        momentum = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
        count = processes() * maps.numel() / maps.shape[1]
        norm.running_mean.lerp_(mean, momentum)
        norm.running_var.lerp_(variance * (count / (count - 1)), momentum)
    return normalised


class _Normalise(torch.autograd.Function):
    """Maps (b, c, …) normalised over all dimensions but the second and over all processes, each with as many images."""

    @staticmethod
    def forward(
        context: Any, maps: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        own_variance, own_mean = torch.var_mean(_exact(maps), _but_channels(maps), correction=0)
        own = torch.stack([own_mean, own_variance])
        parts = [torch.empty_like(own) for _ in range(processes())]
        distributed.all_gather(parts, own)
        means, variances = torch.stack(parts, dim=1)
        mean, variance = means.mean(dim=0), variances.mean(dim=0) + means.var(dim=0, correction=0)
        context.save_for_backward(maps, weight, mean, (variance + eps).rsqrt())
        context.mark_non_differentiable(mean, variance)
        return functional.batch_norm(maps, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    def backward(context: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        maps, weight, mean, scale = context.saved_tensors
        channels, dims = (1, -1, *[1] * (maps.dim() - 2)), _but_channels(maps)
        normalised = (_exact(maps) - mean.view(channels)) * scale.view(channels)
        gradient = _exact(gradient)
        own = torch.stack([gradient.sum(dims), (gradient * normalised).sum(dims)])
        sums = own.clone()
        distributed.all_reduce(sums)
        by_bias, by_weight = (sums * (maps.shape[1] / maps.numel() / processes())).view(2, *channels)
        factor = (scale if weight is None else scale * weight).view(channels)
        by_maps = (factor * (gradient - by_bias - normalised * by_weight)).to(maps.dtype)
        return by_maps, None if weight is None else own[1], None if weight is None else own[0], None


def _exact(maps: Tensor) -> Tensor:
    """In float32 at least, in which sums are right."""
    return maps.float() if maps.dtype in (torch.float16, torch.bfloat16) else maps


def _but_channels(maps: Tensor) -> list[int]:
    return [dimension for dimension in range(maps.dim()) if dimension != 1]
