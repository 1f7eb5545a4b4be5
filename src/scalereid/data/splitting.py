"""Query and gallery images for data that has only training images."""

from collections import defaultdict
from dataclasses import replace

from scalereid.data.protocols import needs_two_cameras
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ImageRecord, ReidDataset, tracklet_of


def with_query_and_gallery(dataset: ReidDataset, train_share: float = 0.5) -> ReidDataset:
    """Move some people from training to testing. Each person's first image from each camera is a query, the others gallery.

    (Only the very first image is a query where otherwise too few gallery images would be left for a match. A tracklet, which is
    found as one, counts as one image.)

    The people are drawn at random, always the same, from those who can have a match: with images from two cameras, or with
    two images where all have one camera or the protocol ignores cameras. About `train_share` of all people stay in training,
    and everyone who cannot have a match.

    Raises:
        ValueError: `dataset` already has query or gallery images, `train_share` is not from 0 to below 1, or no person can
            have a match.
    """
    if dataset.query or dataset.gallery:
        raise ValueError(f"{dataset.name} already has query and gallery images")
    if not 0 <= train_share < 1:
        raise ValueError(f"train_share is {train_share}; it must be at least 0 and below 1")
    images: dict[int, list[tuple[int, ImageRecord]]] = defaultdict(
        list
    )  # of each person, with the numbers of their tracklets
    for number, record in zip(tracklet_of(dataset.train).tolist(), dataset.train, strict=True):
        images[record.pid].append((number, record))
    one_camera = not needs_two_cameras(dataset.protocol) or len({record.camid for record in dataset.train}) == 1
    views = {pid: {number if one_camera else record.camid for number, record in own} for pid, own in images.items()}
    matchable = [pid for pid, seen in views.items() if len(seen) > 1 and pid > 0]
    if not matchable:
        lacking = "two images" if one_camera else "images from two cameras"
        raise ValueError(f"no person in {dataset.name} has {lacking}, so no query could have a match")
    number = max(1, min(len(matchable), len(images) - round(train_share * len(images))))
    tested = draw_people(matchable, number, dataset="test side", split=1, of=1)  # the name decides who is drawn
    query: list[ImageRecord] = []
    gallery: list[ImageRecord] = []
    for pid in sorted(tested):
        chosen = _queries(images[pid])
        query += [record for number, record in images[pid] if number in chosen]
        gallery += [record for number, record in images[pid] if number not in chosen]
    train = tuple(record for record in dataset.train if record.pid not in tested)
    return replace(dataset, train=train, query=tuple(query), gallery=tuple(gallery))


def _queries(images: list[tuple[int, ImageRecord]]) -> set[int]:
    """The first tracklet from each camera; only the very first where the others are needed in the gallery."""
    first: dict[int, int] = {}
    for number, record in images:
        first.setdefault(record.camid, number)
    left = {record.camid for number, record in images if number not in first.values()}
    return {*first.values()} if len(left) > 1 else {images[0][0]}
