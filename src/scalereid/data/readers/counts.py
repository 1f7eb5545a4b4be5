"""Counts of a dataset as read against the published ones."""

from collections.abc import Mapping

from scalereid.data.records import ReidDataset

Published = Mapping[str, Mapping[str, int]]
"""For each split, the published numbers of people, images, cameras or tracklets."""


def check_counts(dataset: ReidDataset, published: Published) -> ReidDataset:
    """Return `dataset` if its counts are the published ones, as far as those are known.

    Raises:
        ValueError: A split has other counts; the message names the split and both counts.
    """
    found = dataset.counts()
    for split, expected in published.items():
        here = {what: getattr(found[split], what) for what in expected}
        if here != dict(expected):
            raise ValueError(
                f"{dataset.name} {split}: found {_words(here)}, but the dataset has {_words(expected)}. Unpack the dataset "
                "again, or read your copy as your own data, with csv or market-names (docs/how-to/your-own-data.md)"
            )
    return dataset


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.items())
