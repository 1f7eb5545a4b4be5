from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from scalereid.runs.recipe_json import from_json


@dataclass(frozen=True)
class Inner:
    """A group of settings of every kind that a recipe has."""

    number: int = 1
    share: float = 0.5
    name: Literal["a", "b"] = "a"
    size: tuple[int, int] = (2, 3)
    steps: tuple[int, ...] = ()
    width: float | None = None
    active: bool = False
    word: str = ""


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    seed: int = 0


def test_values_become_their_types_and_the_rest_defaults() -> None:
    values = {
        "inner": {"number": 3, "share": 1, "name": "b", "size": [4, 5], "steps": [6, 7, 8], "width": 2.5},
        "seed": 9,
    }
    made = from_json(Outer, values, "outer")
    assert made == Outer(Inner(3, 1.0, "b", (4, 5), (6, 7, 8), 2.5), 9)
    assert isinstance(made.inner.size, tuple)
    assert from_json(Outer, {}, "outer") == Outer()
    assert from_json(Outer, {"inner": {"width": None, "steps": []}}, "outer") == Outer()
    assert from_json(Inner, {"active": True, "word": "x"}, "inner") == Inner(active=True, word="x")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 1}, "outer has no setting sed; its settings are inner, seed"),
        ({"inner": 3}, r"outer\.inner is 3, not a group of settings"),
        ({"inner": {"number": 1.5}}, r"outer\.inner\.number is 1\.5, not int"),
        ({"inner": {"number": True}}, r"outer\.inner\.number is True, not int"),
        ({"inner": {"active": 1}}, r"outer\.inner\.active is 1, not bool"),
        ({"inner": {"share": "0.5"}}, r"outer\.inner\.share is '0\.5', not float"),
        ({"inner": {"name": "c"}}, r"outer\.inner\.name is 'c'; choose from a, b"),
        ({"inner": {"size": 2}}, r"outer\.inner\.size is 2, not a list"),
        ({"inner": {"size": [2]}}, r"outer\.inner\.size has 1 value, not 2"),
        ({"inner": {"steps": [1, "2"]}}, r"outer\.inner\.steps\[1\] is '2', not int"),
        ({"inner": {"width": "wide"}}, r"outer\.inner\.width is 'wide', not float"),
        ({"inner": {"word": None}}, r"outer\.inner\.word is None, not str"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(Outer, values, "outer")
