"""The search for where instance norm belongs: its temperature, and how far it has come."""

from typing import Any

from scalereid.models.genotype import PLACEMENTS
from scalereid.models.supernet import SuperNet


def temperature(epoch: int, *, start: float = 10.0, halve_every: int = 20, lowest: float = 1.0) -> float:
    """The temperature in epoch 0, 1, …: halved every so many epochs, down to the lowest (10, 5, 2.5, 1.25, 1 as published)."""
    halvings: float = 0.5 ** (epoch // halve_every)
    return max(lowest, start * halvings)


def state_of_search(supernet: SuperNet) -> dict[str, Any]:
    """As JSON values: the placements' names, and for each block their probabilities and the entropy of those in nats.

    The entropy is log 4 = 1.386 as long as nothing is decided, and 0 when all is.
    """
    probabilities = supernet.probabilities.detach().double().cpu()
    entropy = -(probabilities * probabilities.clamp_min(1e-300).log()).sum(dim=1)
    return {
        "placements": list(PLACEMENTS),
        "probabilities": probabilities.tolist(),
        "entropy": entropy.tolist(),
        "temperature": float(supernet.temperature),
    }
