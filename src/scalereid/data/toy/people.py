"""The appearance of toy people, some of whom differ at one scale only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

T = TypeVar("T")
Colour = tuple[int, int, int]
Hair = Literal["short", "long", "bun", "cap", "bald"]
Pattern = Literal["plain", "stripes", "checks", "two-tone"]
Lower = Literal["trousers", "shorts", "skirt"]
Bag = Literal["none", "backpack", "shoulder", "hand"]
Logo = Literal["none", "disc", "square", "triangle", "bar"]

SKIN: list[Colour] = [(241, 205, 177), (224, 172, 132), (190, 134, 92), (141, 92, 60), (96, 62, 42)]
HAIR: list[Colour] = [(28, 24, 22), (66, 44, 30), (122, 84, 48), (196, 164, 104), (128, 126, 124)]
CLOTH: list[Colour] = [
    (34, 36, 42), (88, 92, 98), (168, 172, 176), (236, 236, 232), (176, 34, 40), (222, 108, 38), (232, 196, 60),
    (52, 124, 66), (112, 148, 74), (38, 120, 138), (44, 78, 158), (120, 168, 214), (112, 58, 128), (214, 128, 164),
    (112, 78, 52), (202, 178, 138),
]  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A person's appearance, the same for every camera."""

    build: float
    """Factor of the body's width."""
    skin: Colour
    hair: Hair
    hair_colour: Colour
    upper: Colour
    pattern: Pattern
    pattern_colour: Colour
    long_sleeves: bool
    lower: Lower
    lower_colour: Colour
    shoes: Colour
    bag: Bag
    bag_colour: Colour
    logo: Logo
    logo_colour: Colour


def draw_people(number: int, rng: np.random.Generator) -> list[Person]:
    """Draw `number` people: strangers, and families of lookalikes.

    As figure 1 of the DSLNet paper (ACCV 2020) argues, telling people apart takes features at every scale: the members of a
    family differ only at a large scale (build), only at a small one (logo, or shoes), or only in the combination of two
    garments, each of which another member wears too.
    """
    people: list[Person] = []
    families = (_by_build, _by_logo, _by_shoes, _by_combination, *[_stranger] * 10)
    while len(people) < number:
        for family in families:
            people += family(_random_person(rng), rng)
    return people[:number]


def _random_person(rng: np.random.Generator) -> Person:
    upper, lower, pattern, shoes, bag, logo = _different(CLOTH, 6, rng)
    return Person(
        build=float(rng.uniform(0.9, 1.1)),
        skin=_one(SKIN, rng),
        hair=_one(["short", "short", "long", "long", "bun", "cap", "bald"], rng),
        hair_colour=_one(HAIR, rng),
        upper=upper,
        pattern=_one(["plain", "plain", "plain", "stripes", "checks", "two-tone"], rng),
        pattern_colour=pattern,
        long_sleeves=bool(rng.random() < 0.5),
        lower=_one(["trousers", "trousers", "shorts", "skirt"], rng),
        lower_colour=lower,
        shoes=shoes,
        bag=_one(["none", "none", "backpack", "shoulder", "hand"], rng),
        bag_colour=bag,
        logo=_one(["none", "disc", "square", "triangle", "bar"], rng),
        logo_colour=logo,
    )


def _stranger(base: Person, _: np.random.Generator) -> list[Person]:
    return [base]


def _by_build(base: Person, _: np.random.Generator) -> list[Person]:
    return [replace(base, build=0.78), replace(base, build=1.28)]


def _by_logo(base: Person, rng: np.random.Generator) -> list[Person]:
    # Nothing hides the logo.
    base = replace(base, pattern="plain", bag="shoulder" if base.bag == "backpack" else base.bag)
    colours = _different([c for c in CLOTH if c != base.upper], 2, rng)
    shapes: list[Logo] = _different(["disc", "square", "triangle", "bar"], 2, rng)
    return [replace(base, logo=shape, logo_colour=colour) for shape, colour in zip(shapes, colours, strict=True)]


def _by_shoes(base: Person, rng: np.random.Generator) -> list[Person]:
    return [replace(base, shoes=colour) for colour in _different(CLOTH, 2, rng)]


def _by_combination(base: Person, rng: np.random.Generator) -> list[Person]:
    """Four people in two uppers and two lowers: neither garment alone identifies a person."""
    uppers, lowers = _different(CLOTH, 2, rng), _different(CLOTH, 2, rng)
    return [replace(base, upper=upper, lower_colour=lower) for upper in uppers for lower in lowers]


def _one(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def _different(choices: Sequence[T], number: int, rng: np.random.Generator) -> list[T]:
    return [choices[i] for i in rng.permutation(len(choices))[:number]]
