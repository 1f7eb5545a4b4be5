"""Optimizers, and the learning rate as a function of the epoch."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from scalereid.training import DecayName, OptimizerName


def build_optimizer(
    name: OptimizerName,
    parameters: Iterable[nn.Parameter],
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    no_weight_decay: Iterable[nn.Parameter] = (),
) -> torch.optim.Optimizer:
    """SGD with momentum, or AMSGrad (Reddi et al., ICLR 2018; betas 0.9 and 0.999), with one fused kernel per step.

    `momentum` is for SGD only. Parameters in `no_weight_decay` make a second group.
    """
    decayed, others = list(parameters), list(no_weight_decay)
    groups: list[dict[str, object]] = [{"params": decayed}]
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    on_gpu = all(parameter.is_cuda for parameter in (*decayed, *others))  # where steps are captured
    if name == "amsgrad":
        return torch.optim.Adam(groups, lr=lr, weight_decay=weight_decay, amsgrad=True, fused=True, capturable=on_gpu)
    optimizer = torch.optim.SGD(groups, lr=lr, weight_decay=weight_decay, momentum=momentum, fused=True)
    if momentum:
        # Starting at zero is the same rule. By default, fused SGD fails when some of the parameters join later, and
        # reads uninitialised memory when a gradient scaler skips the first step.
        for parameter in (*decayed, *others):
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def learning_rate(
    epoch: int,
    progress: float = 0.0,
    *,
    base: float,
    epochs: int,
    decay: DecayName,
    steps: Sequence[int] = (),
    factor: float = 0.1,
    warmup_epochs: int = 0,
) -> float:
    """The learning rate in epoch 0 … `epochs` − 1, changed once an epoch as in the papers.

    `constant`: `base`; `step`: times `factor` at each epoch in `steps`; `cosine`: half a cosine from `base` to 0 over `epochs`.
    During the first `warmup_epochs` the rate rises linearly to that, also within an epoch, of which the share `progress`
    (0 to 1) is done.
    """
    rate = base
    if decay == "step":
        rate *= factor ** sum(epoch >= step for step in steps)
    elif decay == "cosine":
        rate *= (1 + math.cos(math.pi * epoch / epochs)) / 2
    if epoch < warmup_epochs:
        rate *= (epoch + progress) / warmup_epochs
    return rate
