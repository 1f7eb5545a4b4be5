from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.check import check
from scalereid.data.check.scores import check_scores, few_queries, unknown_cameras
from scalereid.data.records import ImageRecord, ReidDataset


def dataset(camids: tuple[int, int] = (1, 1), queries: int = 50) -> ReidDataset:
    """Each of ten people is searched for `queries` / 10 times."""
    query = tuple(ImageRecord(Path(f"q{i}.jpg"), 1 + i % 10, camids[0]) for i in range(queries))
    gallery = tuple(ImageRecord(Path(f"g{i}.jpg"), 1 + i % 10, camids[1]) for i in range(20))
    return ReidDataset("mine", Path(), (), query, gallery, "all-cameras")


def test_unknown_cameras() -> None:
    message = unknown_cameras(dataset())
    assert "all query and gallery images have one camera number, 1, so that the next picture of a burst" in message
    assert "write them into the file names (anna/c2_0001.jpg)" in message
    assert unknown_cameras(dataset(camids=(1, 2))) == ""
    assert unknown_cameras(replace(dataset(), protocol="market1501")) == ""  # which has no match to score then


@pytest.mark.parametrize(("number", "share"), [(1, "1 query only: one query more or less is 100.0%"), (15, "6.7%")])
def test_few_queries_say_how_coarse_they_are(number: int, share: str) -> None:
    assert share in few_queries(number)


def test_fifty_queries_are_not_few() -> None:
    assert few_queries(50) == few_queries(0) == ""
    assert [finding.kind for finding in check_scores(dataset())] == ["unknown-cameras"]


def test_a_check_of_a_dataset_says_so_before_anything_is_scored() -> None:
    findings = {finding.kind: finding.severity for finding in check(dataset(queries=40))}
    assert findings["unknown-cameras"] == "warning"
    assert findings["few-queries"] == "note"
