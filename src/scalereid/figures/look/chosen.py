"""Which images of a dataset a page shows: evenly spread, the same for every model."""

from collections.abc import Sequence
from math import ceil
from statistics import fmean

from scalereid.data.records import ImageRecord, ReidDataset, one_per_tracklet
from scalereid.figures.ranked_lists import evenly_spaced

_OF_A_PERSON = 10


def spread(records: Sequence[ImageRecord], number: int) -> list[ImageRecord]:
    """At most `number` of the records, evenly spread over them."""
    return [records[row] for row in evenly_spaced(number, len(records))]


def of_people(dataset: ReidDataset, number: int) -> list[ImageRecord]:
    """At most `number` images of query and gallery, of people who are queried, evenly spread, up to ten of each."""
    images: dict[int, dict[str, ImageRecord]] = {record.pid: {} for record in dataset.query}
    for record in (*one_per_tracklet(dataset.query), *one_per_tracklet(dataset.gallery)):
        if record.pid in images:
            images[record.pid].setdefault(str(record.path), record)
    pids = sorted(images)
    usual = fmean(min(_OF_A_PERSON, len(images[pid])) for pid in pids)
    few = [pids[i] for i in evenly_spaced(ceil(number / usual), len(pids))]
    chosen = [record for pid in few for record in spread([*images[pid].values()], _OF_A_PERSON)]
    return spread(chosen, number)
