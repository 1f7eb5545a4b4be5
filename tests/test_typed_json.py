from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.typed_json import from_json, parse


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


def test_of_several_groups_the_one_that_has_the_names() -> None:
    kind = Inner | Outer | None
    assert from_json(kind, {"number": 3}, "it") == Inner(number=3)
    assert from_json(kind, {"seed": 3}, "it") == Outer(seed=3)
    assert from_json(kind, None, "it") is None
    with pytest.raises(ValueError, match="it has no sed; it has number"):
        from_json(kind, {"sed": 3}, "it")
    with pytest.raises(ValueError, match="it is 3, not a group of named values"):
        from_json(kind, 3, "it")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 1}, "outer has no sed; it has inner, seed"),
        ({"inner": 3}, r"outer\.inner is 3, not a group of named values"),
        ({"inner": {"number": 1.5}}, r"outer\.inner\.number is 1\.5, not int"),
        ({"inner": {"number": True}}, r"outer\.inner\.number is True, not int"),
        ({"inner": {"active": 1}}, r"outer\.inner\.active is 1, not bool"),
        ({"inner": {"share": "0.5"}}, r"outer\.inner\.share is '0\.5', not float"),
        ({"inner": {"name": "c"}}, r"outer\.inner\.name is 'c'; choose from a, b"),
        ({"inner": {"size": 2}}, r"outer\.inner\.size is 2, not a list"),
        ({"inner": {"size": [2]}}, r"outer\.inner\.size is a list of 1, not of 2"),
        ({"inner": {"steps": [1, "2"]}}, r"outer\.inner\.steps\[1\] is '2', not int"),
        ({"inner": {"width": "wide"}}, r"outer\.inner\.width is 'wide', not float"),
        ({"inner": {"word": None}}, r"outer\.inner\.word is None, not str"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(Outer, values, "outer")


class Pair(NamedTuple):
    one: int
    other: int = 2


@dataclass(frozen=True)
class Facts:
    """What a file holds beside settings: named tuples, dictionaries, arrays, anything; and values without a default."""

    name: str
    counts: dict[str, Pair]
    curve: NDArray[np.float64] | None = None
    anything: Any = None


def test_other_kinds_of_values() -> None:
    made = from_json(Facts, {"name": "x", "counts": {"a": {"one": 1}}, "curve": [1, 0.5], "anything": [{}]}, "facts")
    assert made.counts == {"a": Pair(1)}
    assert made.curve.tolist() == [1.0, 0.5]
    assert made.anything == [{}]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"counts": {}}, r"facts\.name is missing"),
        ({"name": "x", "counts": {"a": {}}}, r"facts\.counts\.a\.one is missing"),
        ({"name": "x", "counts": [1]}, r"facts\.counts is \[1\], not a group of named values"),
        ({"name": "x", "counts": {}, "curve": [[1]]}, r"facts\.curve\[0\] is \[1\], not float"),
        ({"name": "x", "counts": {}, "curve": [float("inf")]}, r"facts\.curve\[0\] is inf, not a finite number"),
        ({"name": "x", "counts": {}, "curve": [10**400]}, r"facts\.curve\[0\] is 1000+…, not a finite number"),
        ({"name": ["a" * 999] * 99, "counts": {}}, r"facts\.name is \['aaa+…, not str"),
    ],
)
def test_of_other_kinds_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        from_json(Facts, values, "facts")
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ('{"a": ', "Expecting value"),
        ("[" * 100_000, "its values are nested too deep"),
        ('{"a":' * 100_000, "its values are nested too deep"),
        (b"\xff\xfe\xfd", "codec can't decode"),
        ("9" * 10_000, "Exceeds the limit"),
    ],
)
def test_what_is_not_json_is_a_value_error(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)
    assert parse('{"a": "\u2028\x85"}') == {"a": "\u2028\x85"}
