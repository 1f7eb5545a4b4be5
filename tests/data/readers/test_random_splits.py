from itertools import pairwise

import pytest

from scalereid.data.readers.random_splits import check_split, draw, draw_people


def test_the_draw_is_the_same_forever() -> None:
    """Recorded once: scores on a split would mean something else if these changed."""
    drawn = [sorted(draw_people(range(1, 21), 5, dataset="viper", split=split, of=3)) for split in (1, 2, 3)]
    assert drawn == [[4, 5, 11, 16, 18], [2, 5, 6, 8, 12], [1, 2, 4, 11, 12]]
    assert draw("viper 1 7").hex()[:16] == "ba1343ea8fd09ba8"


def test_order_and_repetition_do_not_matter() -> None:
    people = [5, 3, 3, 99, 12, 7, 1]
    one = draw_people(people, 3, dataset="x", split=1, of=1)
    assert one == draw_people(reversed(sorted(people)), 3, dataset="x", split=1, of=1)
    assert len(one) == 3
    assert one <= set(people)


def test_fewer_people_are_among_more() -> None:
    draws = [draw_people(range(50), number, dataset="x", split=1, of=1) for number in range(51)]
    assert all(fewer < more for fewer, more in pairwise(draws))
    assert draws[50] == set(range(50))


def test_everyone_is_drawn_equally_often() -> None:
    """Of 20 people 10 in each of 2,000 splits: each about 1,000 times, within five standard deviations of 22."""
    times = [0] * 20
    for split in range(1, 2001):
        for pid in draw_people(range(20), 10, dataset="x", split=split, of=2000):
            times[pid] += 1
    assert sum(times) == 20_000
    assert max(abs(number - 1000) for number in times) < 5 * 22.4


@pytest.mark.parametrize("split", [0, -1, 11])
def test_splits_that_do_not_exist(split: int) -> None:
    with pytest.raises(ValueError, match=f"mine#{split} does not exist; choose from mine#1 to mine#10"):
        check_split("mine", split, 10)
    with pytest.raises(ValueError, match="does not exist"):
        draw_people([1, 2], 1, dataset="mine", split=split, of=10)


def test_the_first_and_the_last_split_exist() -> None:
    check_split("mine", 1, 10)
    check_split("mine", 10, 10)
