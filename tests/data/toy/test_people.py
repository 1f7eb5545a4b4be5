from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from scalereid.data.toy.people import CLOTH, Person, draw_people


def people(number: int, seed: int = 0) -> list[Person]:
    return draw_people(number, np.random.default_rng(seed))


def differences(one: Person, other: Person) -> set[str]:
    return {f.name for f in fields(Person) if getattr(one, f.name) != getattr(other, f.name)}


def test_lookalikes_differ_in_one_thing_and_everyone_differs() -> None:
    drawn = people(60)
    assert len(drawn) == len(set(drawn)) == 60
    build, logo, shoes, combination = drawn[0:2], drawn[2:4], drawn[4:6], drawn[6:10]
    assert differences(*build) == {"build"}
    assert differences(*logo) == {"logo", "logo_colour"}
    assert differences(*shoes) == {"shoes"}
    assert len({(p.upper, p.lower_colour) for p in combination}) == 4
    assert len({p.upper for p in combination}) == len({p.lower_colour for p in combination}) == 2


@pytest.mark.parametrize("number", [0, 1, 3, 20, 21])
def test_as_many_people_as_asked_for(number: int) -> None:
    assert len(people(number)) == number
    assert people(number) == people(30)[:number]  # more people do not change the first ones


def test_the_seed_decides() -> None:
    assert people(20, seed=1) == people(20, seed=1)
    assert not set(people(20, seed=1)) & set(people(20, seed=2))


def test_a_persons_garments_can_be_told_apart() -> None:
    """Upper, lower, pattern, shoes and bag of a stranger have different colours; so has a logo made to tell lookalikes."""
    for start in range(0, 200, 20):
        for person in people(200)[start + 10 : start + 20]:  # ten strangers after four families
            colours = [person.upper, person.lower_colour, person.pattern_colour, person.shoes, person.bag_colour]
            assert len(set(colours)) == 5
            assert set(colours) <= set(CLOTH)
        for person in people(200)[start + 2 : start + 4]:
            assert person.logo_colour != person.upper
            assert person.logo != "none"
            assert person.bag != "backpack"  # which would hide it


def test_looks_are_as_frequent_as_written() -> None:
    """Of 1,000 strangers two sevenths have short hair, half plain clothes, a fifth each kind of logo: within 5 deviations."""
    strangers = [person for i, person in enumerate(people(2000)) if i % 20 >= 10]
    for attribute, share in (
        ("hair", {"short": 2 / 7, "cap": 1 / 7}),
        ("pattern", {"plain": 1 / 2}),
        ("logo", {"bar": 1 / 5}),
    ):
        found = Counter(getattr(person, attribute) for person in strangers)
        for value, expected in share.items():
            deviation = (expected * (1 - expected) / len(strangers)) ** 0.5
            assert abs(found[value] / len(strangers) - expected) < 5 * deviation, (attribute, value)
    assert all(0.9 <= person.build < 1.1 for person in strangers)
