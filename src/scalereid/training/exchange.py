"""What processes that train one model tell each other, so that they compute what one process would.

Each computes the embeddings of its rows of a batch, and from all processes' embeddings the loss of the whole batch; the
gradients of their copies of the model are then averaged. With one process nothing here does anything. The reasons are in
docs/decisions/0015.
"""

import atexit
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, overload

import torch
from torch import Tensor, distributed

from scalereid.distributed import own_rows, processes
from scalereid.training.terms.term import Outputs

_PATIENCE = timedelta(days=1)  # in which the first process has scored the model, or checked the dataset


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes for the block: by NCCL on GPUs, by gloo on CPUs, which also carries requests to stop.

    They stay joined until the program ends, for the next block: torch cannot bring the same processes together twice (the
    second time they look for each other where they were, and wait for ever). After an error they just end, since the others
    may never come to an end together.
    """
    if processes() == 1 or distributed.is_initialized():
        yield
        return
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    yield
    atexit.register(distributed.destroy_process_group)


def wait_for_all() -> None:
    """Return once every process has called this."""
    agreed(False)


def agreed(wanted: bool) -> bool:
    """Whether any process wants something, which all then know at the same call."""
    if processes() == 1:
        return wanted
    told = torch.tensor(int(wanted))
    distributed.all_reduce(told, distributed.ReduceOp.MAX)
    return bool(told)


def whole(outputs: Outputs) -> Outputs:
    """What the model makes of a whole batch, from what it makes of this process's rows of it.

    A gradient that flows back is of this process's rows, times the number of processes, as `average_gradients` divides by it.
    """
    if processes() == 1:
        return outputs
    embeddings, before_norm = gather(outputs.embeddings), None
    if outputs.features is not outputs.embeddings:  # as only a BNNeck's are not
        before_norm = gather(outputs.features)
    taught = None if outputs.taught is None else gather(outputs.taught)
    attributes = None if outputs.attributes is None else gather(outputs.attributes)
    return Outputs(embeddings, gather(outputs.labels), _Gathered(outputs.stage_maps), before_norm, taught, attributes)


def gather(own: Tensor) -> Tensor:
    """Every process's rows of a batch, in the order of the batch; see `whole`."""
    return _Gather.apply(own) if processes() > 1 else own  # type: ignore[no-untyped-call]


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Let every process have the mean of all processes' gradients. The same parameters have one in each."""
    if processes() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes()
    for gradient, mean in zip(gradients, torch.split(flat, [each.numel() for each in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, own: Tensor) -> Tensor:
        own = own.contiguous()
        parts = [torch.empty_like(own) for _ in range(processes())]
        distributed.all_gather(parts, own)
        return torch.stack(parts, dim=1).flatten(0, 1)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient[own_rows()] * processes()


class _Gathered(Sequence[Tensor]):
    """Tensors of which each is gathered when it is asked for: few terms look at the maps of the stages."""

    def __init__(self, own: Sequence[Tensor]) -> None:
        self.own = own

    def __len__(self) -> int:
        return len(self.own)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> "_Gathered": ...
    def __getitem__(self, index: int | slice) -> "Tensor | _Gathered":
        return _Gathered(self.own[index]) if isinstance(index, slice) else gather(self.own[index])
