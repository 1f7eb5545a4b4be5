"""The pairs of a batch of people × images that losses on distances compare."""

from typing import NamedTuple

import torch
from torch import Tensor

from scalereid.wording import counted


class Pairs(NamedTuple):
    """Which pairs of images are of one person, and which of two: masks (b, b). An image and itself are neither."""

    positive: Tensor
    negative: Tensor


def pairs_of(labels: Tensor) -> Pairs:
    """The pairs of images with labels (b,).

    Raises:
        ValueError: An image is its person's only one in the batch, or the batch shows only one person.
    """
    same = labels[:, None] == labels[None, :]
    pairs = Pairs(same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same)
    _check(pairs, labels)
    return pairs


def _check(pairs: Pairs, labels: Tensor) -> None:
    if labels.is_cuda and torch.cuda.is_current_stream_capturing():
        return  # nothing is computed while a step is captured
    lacking = torch.stack([~pairs.positive.any(dim=1), ~pairs.negative.any(dim=1)])
    if not lacking.any():
        return
    without_positive, without_negative = lacking.tolist()
    if any(without_negative):
        raise ValueError(
            f"A batch of {counted(len(labels), 'image')} shows only person {int(labels[0])}, so there is no negative: "
            "a loss on pairs needs at least two people"
        )
    alone = labels[lacking[0]].tolist()
    raise ValueError(
        f"{sum(without_positive)} of {len(labels)} images are the only one of their person in the batch (person {alone[0]}, "
        "for example), so they have no positive: a loss on pairs needs data.images_per_person of at least 2"
    )
