"""Tables that several commands print."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Column, Table

if TYPE_CHECKING:
    from scalereid.retrieval.scores import Scores


def scores_table(rows: "Mapping[str, Scores]", caption: str) -> Table:
    """Scores, one row for each name."""
    metrics = ("mAP", "mINP", "rank-1", "rank-5", "rank-10")
    table = Table(Column("", no_wrap=True), *metrics, "queries", caption=caption)
    for name, scores in rows.items():
        table.add_row(name, *(f"{scores.metric(metric):.2%}" for metric in metrics), f"{scores.queries:,}")
    return table
