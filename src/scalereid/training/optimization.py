"""Optimizers, and the learning rate as a function of the epoch."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import nn

OptimizerName = Literal["sgd", "amsgrad"]
DecayName = Literal["constant", "step", "cosine"]


def build_optimizer(
    name: OptimizerName,
    parameters: Iterable[nn.Parameter],
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    undecayed: Iterable[nn.Parameter] = (),
) -> torch.optim.Optimizer:
    """SGD with momentum, or AMSGrad (Reddi et al., ICLR 2018; betas 0.9 and 0.999), one fused kernel per step.

    `momentum` is SGD's alone. What is `undecayed` makes a second group of parameters, without weight decay.
    """
    groups: list[dict[str, Any]] = [{"params": list(parameters)}, {"params": list(undecayed), "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    on_gpu = all(parameter.is_cuda for group in groups for parameter in group["params"])  # where steps are recorded
    if name == "amsgrad":
        return torch.optim.Adam(groups, lr=lr, weight_decay=weight_decay, amsgrad=True, fused=True, capturable=on_gpu)
    optimizer = torch.optim.SGD(groups, lr=lr, weight_decay=weight_decay, momentum=momentum, fused=True)
    if momentum:
        # Starting at zero is the same rule. Left to itself, fused SGD fails when part of the parameters joins later, and
        # reads uninitialised memory when a gradient scaler skips the first step.
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def learning_rate(
    base: float,
    epoch: int,
    *,
    epochs: int,
    decay: DecayName,
    steps: Sequence[int] = (),
    factor: float = 0.1,
    warmup_epochs: int = 0,
    progress: float = 0.0,
) -> float:
    """The rate in epoch 0 … epochs−1, changed once an epoch as the papers do.

    `constant`; `step`: times `factor` at each epoch in `steps`; `cosine`: half a cosine from `base` to 0 over `epochs`.
    During the first `warmup_epochs` the rate rises linearly to that, also within an epoch, of which `progress` (0 to 1)
    is done.
    """
    rate = base
    if decay == "step":
        rate *= factor ** sum(epoch >= step for step in steps)
    elif decay == "cosine":
        rate *= (1 + math.cos(math.pi * epoch / epochs)) / 2
    if epoch < warmup_epochs:
        rate *= (epoch + progress) / warmup_epochs
    return rate
