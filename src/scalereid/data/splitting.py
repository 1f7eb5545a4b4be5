"""Queries and a gallery for data that has none."""

from collections import defaultdict
from dataclasses import replace

from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ImageRecord, ReidDataset


def with_test_side(dataset: ReidDataset, train_share: float = 0.5) -> ReidDataset:
    """Take some people out of training to be found: each one's first image from each camera is a query, the others the gallery.

    (Only the very first image is a query where otherwise too little would be left to be found.)

    People are drawn at random, always the same, among those who can be found: with images from two cameras, or with two
    images where all have one camera or cameras do not matter. About `train_share` of all people stay in training, and
    everybody who cannot be found.

    Raises:
        ValueError: `dataset` has queries or a gallery, or nobody could be found.
    """
    if dataset.query or dataset.gallery:
        raise ValueError(f"{dataset.name} has queries and a gallery already")
    if not 0 <= train_share < 1:
        raise ValueError(f"a share of {train_share} to train on is not from 0 to below 1")
    images: dict[int, list[ImageRecord]] = defaultdict(list)
    for record in dataset.train:
        images[record.pid].append(record)
    one_camera = dataset.protocol == "all-cameras" or len({record.camid for record in dataset.train}) == 1
    findable = [
        pid for pid, own in images.items() if len(own if one_camera else {r.camid for r in own}) > 1 and pid > 0
    ]
    if not findable:
        raise ValueError(f"nobody in {dataset.name} has images from two cameras: there is nobody who could be found")
    number = max(1, min(len(findable), len(images) - round(train_share * len(images))))
    tested = draw_people(findable, number, dataset="test side", split=1, of=1)
    query: list[ImageRecord] = []
    gallery: list[ImageRecord] = []
    for pid in sorted(tested):
        chosen = _queries(images[pid])
        query += chosen
        gallery += [record for record in images[pid] if record not in chosen]
    train = tuple(record for record in dataset.train if record.pid not in tested)
    return replace(dataset, train=train, query=tuple(query), gallery=tuple(gallery))


def _queries(images: list[ImageRecord]) -> list[ImageRecord]:
    """The first image from each camera; only the very first where the others are needed to be found."""
    first = [r for i, r in enumerate(images) if r.camid not in {earlier.camid for earlier in images[:i]}]
    left = {record.camid for record in images if record not in first}
    return first if len(left) > 1 else first[:1]
