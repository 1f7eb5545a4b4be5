"""Whose sightings may be found."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.identities import Identities

Among = Literal["all", "known", "unknown"] | Sequence[int]
"""All, those with an identity, those without one, or those of some identities by number."""


def allowed(among: Among, identities: Identities) -> tuple[NDArray[np.int64] | None, set[int]]:
    """The sightings that alone may be found, or None for all; and those that may not.

    Raises:
        ConflictError: There is no such identity.
        ValueError: It is another word.
    """
    if not isinstance(among, str):
        among = tuple(among)  # which an array would compare element by element
    if among == "all":
        return None, set()
    if among == "known":
        return np.array(sorted(identities.of), np.int64), set()
    if among == "unknown":
        return None, set(identities.of)
    if isinstance(among, str):
        raise ValueError(f"among is {among!r}; choose all, known, unknown, or numbers of identities")
    numbers = {number for each in among for number in identities.get(int(each)).sightings}
    return np.array(sorted(numbers), np.int64), set()


def of_same_identities(sightings: set[int], identities: Identities) -> set[int]:
    """Sightings, and all others of the identities that they show."""
    known = {identities.of[number] for number in sightings if number in identities.of}
    return sightings.union(*(identities.by_number[number].sightings for number in known))
