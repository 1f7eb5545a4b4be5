from pathlib import Path

import pytest

from scalereid.data.readers.counts import check_counts
from scalereid.data.records import ImageRecord, ReidDataset

RECORDS = tuple(
    ImageRecord(Path(f"{i}.jpg"), pid, camid, tracklet=pid) for i, (pid, camid) in enumerate([(1, 1), (1, 2), (2, 1)])
)
DATASET = ReidDataset("mine#2", Path(), RECORDS, RECORDS[:1], RECORDS[1:])


def test_published_counts_let_the_dataset_pass() -> None:
    published = {
        "train": {"people": 2, "images": 3, "cameras": 2, "tracklets": 3},
        "query": {"people": 1, "images": 1, "cameras": 1, "tracklets": 1},
    }
    assert check_counts(DATASET, published) is DATASET
    assert check_counts(DATASET, {}) is DATASET  # nothing is known


@pytest.mark.parametrize(
    ("published", "message"),
    [
        (
            {"train": {"people": 3}},
            "mine#2 train: found 2 people, but the dataset has 3 people. Unpack the dataset again",
        ),
        (
            {"train": {"people": 2}, "gallery": {"images": 1_002}},
            "gallery: found 2 images, but the dataset has 1,002 images",
        ),
        ({"query": {"images": 1, "cameras": 2}}, "found 1 images, 1 cameras, but the dataset has 1 images, 2 cameras"),
    ],
)
def test_other_counts_are_named_with_the_published_ones(published: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_counts(DATASET, published)
