"""Checks of what scores on a dataset can mean: cameras that are not known, and few queries."""

from collections.abc import Iterator

from scalereid.data.check.findings import Finding
from scalereid.data.protocols import needs_two_cameras
from scalereid.data.records import ReidDataset, one_per_tracklet
from scalereid.wording import counted

_FEW_QUERIES = 50


def check_scores(dataset: ReidDataset) -> Iterator[Finding]:
    """Why scores of a dataset with query and gallery images mean less than they seem to; nothing is read from disk."""
    if message := unknown_cameras(dataset):
        yield Finding("warning", "unknown-cameras", message)
    if message := few_queries(len(one_per_tracklet(dataset.query))):
        yield Finding("note", "few-queries", message)


def unknown_cameras(dataset: ReidDataset) -> str:
    """A sentence, if images that follow one another count as matches because no cameras are told apart; else empty."""
    cameras = {record.camid for record in (*dataset.query, *dataset.gallery)}
    if needs_two_cameras(dataset.protocol) or len(cameras) != 1:
        return ""
    return (
        f"all query and gallery images have one camera number, {cameras.pop()}, so that the next picture of a burst, or one "
        "from the same room, counts as a match: the scores may be far too high for finding people elsewhere. Where there were "
        "several cameras, write them into the file names (anna/c2_0001.jpg) or into a table, or sort the images into a folder "
        "for each camera"
    )


def few_queries(number: int) -> str:
    """A sentence, if `number` queries give coarse scores; else empty."""
    if not 0 < number < _FEW_QUERIES:
        return ""
    queries = counted(number, "query", "queries")
    return (
        f"the scores are of {queries} only: one query more or less is {1 / number:.1%} of rank-1, so small differences mean "
        f"nothing. Take at least {_FEW_QUERIES}, of as many people as possible"
    )
