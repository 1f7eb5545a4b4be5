"""What was read against what was published."""

from collections.abc import Mapping

from scalereid.data.records import Counts

Published = Mapping[str, Mapping[str, int]]
"""For each split what is known of people, images, cameras, tracklets."""


def check_counts(dataset: str, published: Published, found: Mapping[str, Counts]) -> None:
    """Compare what was read with what was published, as far as that is known.

    Raises:
        ValueError: a split differs; the message names the split and both counts.
    """
    for split, wanted in published.items():
        here = {what: getattr(found[split], what) for what in wanted}
        if here != dict(wanted):
            raise ValueError(
                f"{dataset} {split}: {_words(here)}, but the dataset has {_words(wanted)}. "
                "Unpack it again, or read your copy as your own data: --dataset csv or market-names (docs/data.md)"
            )


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.items())
