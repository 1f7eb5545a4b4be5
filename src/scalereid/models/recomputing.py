"""Activation checkpointing: less memory in training, since what lies within a block is computed again in the backward pass."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def compute(layers: Sequence[nn.Module], maps: Tensor, *, recompute: bool) -> Tensor:
    """`maps` through all of `layers`; with `recompute` only what goes in and comes out is kept for the backward pass.

    Gradients are the same to the bit, and so are the statistics of batch norms, which count each image once.
    """
    if recompute:
        contexts = partial(_contexts, layers)
        outputs: Tensor = checkpoint(_through, layers, maps, use_reentrant=False, context_fn=contexts)
        return outputs
    return _through(layers, maps)


def _through(layers: Sequence[nn.Module], maps: Tensor) -> Tensor:
    for layer in layers:
        maps = layer(maps)
    return maps


def _contexts(layers: Sequence[nn.Module]) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Of the forward pass and of its repetition."""
    return nullcontext(), _statistics_kept(layers)


@contextmanager
def _statistics_kept(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Within the block batch norms count what they see in copies of their statistics."""
    norms = [module for layer in layers for module in layer.modules() if isinstance(module, _BatchNorm)]
    kept = [(norm, dict(norm.named_buffers())) for norm in norms if norm.training]
    for norm, buffers in kept:
        for name, buffer in buffers.items():
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, buffers in kept:
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
