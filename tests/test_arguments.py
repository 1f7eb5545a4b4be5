from collections.abc import Callable
from math import inf, nan
from typing import Any, Literal

import numpy as np
import pytest

from scalereid.arguments import check_choice, check_kind, check_number, check_whole

Fruit = Literal["apple", "pear"]


@pytest.mark.parametrize(
    ("check", "value", "rest", "message"),
    [
        (check_choice, "plum", (Fruit,), "No such x: 'plum'. Choose from apple, pear."),
        (check_choice, None, (Fruit,), "No such x: None. Choose from apple, pear."),
        (check_choice, [], (Fruit,), r"No such x: \[\]. Choose from apple, pear."),
        (check_choice, np.array(["apple"] * 2), (Fruit,), "No such x: array.*. Choose from apple, pear."),
        (check_whole, 0, (1,), "x is 0; expected a whole number of at least 1"),
        (check_whole, 2_001, (1, 2_000), "x is 2001; expected a whole number from 1 to 2,000"),
        (check_whole, 1.0, (1,), "x is 1.0; expected a whole number of at least 1"),
        (check_whole, True, (1,), "x is True; expected a whole number of at least 1"),
        (check_whole, "1", (1,), "x is '1'; expected a whole number of at least 1"),
        (check_whole, 2**63, (1,), "x is 9223372036854775808; expected a whole number of at least 1"),
        (check_number, -0.5, (0,), "x is -0.5; expected a number of at least 0"),
        (check_number, 1.5, (0, 1), "x is 1.5; expected a number from 0 to 1"),
        (check_number, nan, (0,), "x is nan; expected a number of at least 0"),
        (check_number, inf, (0,), "x is inf; expected a number of at least 0"),
        (check_number, 10**400, (0,), "expected a number of at least 0"),
        (check_number, True, (0,), "x is True; expected a number of at least 0"),
        (check_number, None, (0,), "x is None; expected a number of at least 0"),
        (check_kind, True, (str,), "x is True; expected str"),
        (check_kind, None, (str,), "x is None; expected str"),
    ],
)
def test_what_does_not_fit_is_named(check: Callable[..., None], value: Any, rest: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check("x", value, *rest)


def test_what_fits() -> None:
    check_choice("x", "pear", Fruit)
    check_whole("x", np.int32(3), 1, 3)
    check_number("x", np.float32(0.5), 0, 1)
    check_number("x", 1, 0, 1)
    check_kind("x", None, str, or_none=True)
    with pytest.raises(ValueError, match="x is 3; expected str or None"):
        check_kind("x", 3, str, or_none=True)
