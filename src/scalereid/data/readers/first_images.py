"""The usual way to make queries: everyone's first image from each camera."""

from collections.abc import Iterable

from scalereid.data.records import ImageRecord


def first_of_each_camera(records: Iterable[ImageRecord]) -> tuple[tuple[ImageRecord, ...], tuple[ImageRecord, ...]]:
    """Divide `records`: the first of each person and camera, in the given order, and all others."""
    first: dict[tuple[int, int], ImageRecord] = {}
    others = []
    for record in records:
        if first.setdefault((record.pid, record.camid), record) is not record:
            others.append(record)
    return tuple(first.values()), tuple(others)
