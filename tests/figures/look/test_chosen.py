from collections import Counter
from dataclasses import replace

from scalereid.data.records import ReidDataset
from scalereid.figures.look.chosen import of_people, spread


def test_people_are_evenly_spread(people: ReidDataset) -> None:
    """Four people, twelve images of each."""
    chosen = of_people(people, 20)
    assert len(chosen) == 20
    assert Counter(record.pid for record in chosen) == dict.fromkeys((people.query[0].pid, people.query[-1].pid), 10)
    assert len({record.path for record in chosen}) == 20
    assert len(of_people(people, 1000)) == 40


def test_who_is_not_queried_is_left_out(people: ReidDataset) -> None:
    gallery = tuple(replace(record, pid=-1 if i % 2 else 0) for i, record in enumerate(people.gallery))
    chosen = of_people(replace(people, gallery=gallery), 100)
    assert {*chosen} == {*people.query}


def test_spread(people: ReidDataset) -> None:
    assert spread(people.query, 3) == [people.query[i] for i in (0, 8, 15)]
    assert spread(people.query, 99) == [*people.query]
