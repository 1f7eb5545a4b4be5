"""Attributes of the drawn people of `toy`, as they were drawn: to try things out."""

from collections.abc import Callable
from pathlib import Path

from scalereid.attributes.table import AttributeTable, Key
from scalereid.data.toy import toy_people
from scalereid.data.toy.people import Person

ATTRIBUTES: dict[str, Callable[[Person], bool]] = {
    "cap": lambda person: person.hair == "cap",
    "long-hair": lambda person: person.hair == "long",
    "bald": lambda person: person.hair == "bald",
    "long-sleeves": lambda person: person.long_sleeves,
    "pattern": lambda person: person.pattern != "plain",
    "logo": lambda person: person.logo != "none",
    "trousers": lambda person: person.lower == "trousers",
    "shorts": lambda person: person.lower == "shorts",
    "skirt": lambda person: person.lower == "skirt",
    "backpack": lambda person: person.bag == "backpack",
    "shoulder-bag": lambda person: person.bag == "shoulder",
    "handbag": lambda person: person.bag == "hand",
    "dark-above": lambda person: sum(person.upper) < 3 * 96,
    "dark-below": lambda person: sum(person.lower_colour) < 3 * 96,
}
"""By name, whether a drawn person has the attribute."""


def read_toy_attributes(_: Path) -> AttributeTable:
    """The attributes of the 140 people of `toy`, which no file holds: the people are drawn anew, without cameras."""
    people = enumerate(toy_people("toy"), start=1)
    rows: dict[Key, list[int]] = {pid: [int(has(person)) for has in ATTRIBUTES.values()] for pid, person in people}
    return AttributeTable(tuple(ATTRIBUTES), rows)
