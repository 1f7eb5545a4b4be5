import pytest

from scalereid.models import BACKBONES
from scalereid.models.options import Option, check_options, parse_options


def test_values_get_their_types() -> None:
    words = ("depth=2", "rate=1e-3", "norm=False", "gate=true", "name=x", "path=a=b", "empty=", "negative=-1.5")
    options = parse_options(words)
    expected: dict[str, Option] = {
        "depth": 2, "rate": 0.001, "norm": False, "gate": True, "name": "x", "path": "a=b", "empty": "", "negative": -1.5
    }  # fmt: skip
    assert options == expected
    assert [type(value) for value in options.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["depth"], "model.options has 'depth'; write NAME=VALUE, such as depth=2"),
        (["=2"], "model.options has '=2'; write NAME=VALUE"),
        (["two words=2"], "model.options has 'two words=2'; write NAME=VALUE"),
        (["depth=2", "depth=3"], "model.options has depth twice"),
        (["width=0.5"], "model.options has 'width=0.5'; set model.width instead"),
        (["genotype=x"], "set model.genotype instead"),
    ],
)
def test_what_is_not_an_option_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_options(words)


def deep(width: float, depth: int, *, name: str = "") -> None:
    """Stands for a backbone's constructor."""


def test_options_that_are_not_taken_or_missing_are_named() -> None:
    check_options("deep", deep, {"width": 1.0, "depth": 2})
    check_options("any", lambda **options: options, {"depth": 2})
    with pytest.raises(
        ValueError, match=r"deep does not take layers, size; it takes depth, name\. Change model.options"
    ):
        check_options("deep", deep, {"depth": 2, "layers": 2, "size": 3})
    with pytest.raises(ValueError, match="deep needs depth; set model.options, such as depth=2"):
        check_options("deep", deep, {"width": 1.0})
    with pytest.raises(ValueError, match="none does not take depth; it takes no option"):
        check_options("none", lambda: None, {"depth": 2})


def test_a_text_does_not_count_as_true() -> None:
    """`dense=no` would give a dense network."""
    check_options("dslnet", BACKBONES["dslnet"], {"dense": False})
    check_options("dslnet", BACKBONES["dslnet"], {"dense": 0})
    with pytest.raises(
        ValueError, match="model.options has dense=no, which is true or false; write dense=true or dense=false"
    ):
        check_options("dslnet", BACKBONES["dslnet"], parse_options(["dense=no"]))
