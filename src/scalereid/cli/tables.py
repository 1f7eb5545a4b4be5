"""What there is, as tables to print: backbones, recipes, datasets."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from scalereid.data import DATASETS
from scalereid.data.names import named_datasets
from scalereid.data.readers import SPLITS
from scalereid.data.records import Counts
from scalereid.inference.quantization import Accuracy
from scalereid.models import BACKBONES
from scalereid.models.building import build_model
from scalereid.models.cost import cost
from scalereid.recipes import PUBLISHED
from scalereid.retrieval.cameras import CameraPair
from scalereid.retrieval.open_set import OpenSet
from scalereid.retrieval.pairs import OperatingPoint


def backbones_table() -> Table:
    """The backbones, with their sizes and what they cost for one image of 256×128."""
    caption = "without classifier; one image of 256×128"
    table = Table("backbone", "parameters", "multiply-adds", caption=caption)
    for name in BACKBONES:
        with torch.device("meta"):  # sizes are all that is asked for
            model = build_model(name)
        parameters, multiply_adds = cost(model)
        table.add_row(name, f"{parameters:,}", f"{multiply_adds / 1e6:,.2f} M")
    return table


def recipes_tables(words: Sequence[str]) -> tuple[Table, Table]:
    """The recipes with all of `words` in their names, and the notes that they refer to.

    Raises:
        ValueError: there is none.
    """
    columns = Column("recipe", no_wrap=True), Column("rank-1 / mAP", no_wrap=True), "distance", "notes"
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    notes: dict[str, int] = {}  # numbered in the order they come
    for name, entry in PUBLISHED.items():
        if all(word in name for word in words):
            own, target = entry.recipe.data.dataset, entry.recipe.evaluation.dataset
            readers = [part.reader for dataset in (own, target) if dataset for part in named_datasets(dataset)]
            missing = [reader for reader in readers if reader not in DATASETS]
            about = [entry.source] if entry.source else []
            about += [*entry.notes, *(f"There is no reader for {dataset} here yet." for dataset in missing)]
            numbers = [notes.setdefault(note, len(notes) + 1) for note in about]
            scores = "{:.1f} / {:.1f}".format(*entry.scores) if entry.scores else ""
            distance = entry.recipe.evaluation.distance if entry.scores else ""
            table.add_row(name, scores, distance, " ".join(map(str, numbers)))
    if not table.rows:
        raise ValueError(f"no recipe has {' and '.join(words)} in its name; `scalereid recipes` alone lists all")
    footnotes = Table.grid(Column(justify="right"), Column(overflow="fold"), padding=(0, 2, 0, 0))
    for note, number in notes.items():
        footnotes.add_row(str(number), note)
    return table, footnotes


def scores_table(rows: Mapping[str, Mapping[str, Any]], caption: str) -> Table:
    """Scores as `Scores.to_json` gives them, a row for each name."""
    table = Table(Column("", no_wrap=True), "mAP", "mINP", "rank-1", "rank-5", "rank-10", "queries", caption=caption)
    for name, scores in rows.items():
        values = [scores["mAP"], scores["mINP"], *(scores["cmc"][min(k, len(scores["cmc"])) - 1] for k in (1, 5, 10))]
        table.add_row(name, *(f"{value:.2%}" for value in values), f"{scores['queries']:,}")
    return table


def datasets_table() -> Table:
    """The datasets that can be read."""
    table = Table(Column("dataset", no_wrap=True), "what it is", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, reader in DATASETS.items():
        splits = f"#1 … #{SPLITS[name]}" if name in SPLITS else ""
        table.add_row(name + splits, (reader.__doc__ or "").splitlines()[0])
    return table


def counts_table(counts: Mapping[str, Counts]) -> Table:
    """People, cameras and images of a dataset's splits."""
    with_tracklets = any(count.tracklets for count in counts.values())
    table = Table("", *(Column(name, justify="right") for name in ("people", "cameras", "images")))
    if with_tracklets:
        table.add_column("tracklets", justify="right")
    for split, count in counts.items():
        values = [count.people, count.cameras, count.images, *([count.tracklets] if with_tracklets else [])]
        table.add_row(split, *(f"{value:,}" for value in values))
    return table


def camera_pairs_table(pairs: Sequence[CameraPair]) -> Table:
    """How well one camera's people are found by another, worst first."""
    table = Table(
        "query camera",
        "gallery camera",
        "mAP",
        "rank-1",
        "queries",
        caption="gallery images of one camera alone, not re-ranked",
    )
    for pair in pairs:
        table.add_row(str(pair.query), str(pair.gallery), f"{pair.mAP:.2%}", f"{pair.rank1:.2%}", f"{pair.queries:,}")
    return table


def points_table(points: Sequence[OperatingPoint]) -> Table:
    """Thresholds, and what they give."""
    table = Table("false matches wanted", "accept below", "false-match rate", "true-match rate")
    for point in points:
        rates = f"{point.false_match_rate:.3%}", f"{point.true_match_rate:.2%}"
        table.add_row(f"{point.wanted:.3%}", f"{point.threshold:.4f}", *rates)
    return table


def open_set_table(open_set: OpenSet) -> Table:
    """Known people found and unknown ones turned away."""
    caption = f"open set: {open_set.known:,} queries of people in the gallery, {open_set.unknown:,} of others"
    table = Table("false alarms at most", "accept below", "found (DIR)", "all answers right", caption=caption)
    for point in open_set.points:
        rates = f"{point.identification_rate:.2%}", f"{point.accuracy:.2%}"
        table.add_row(f"{point.false_alarm_rate:.0%}", f"{point.threshold:.4f}", *rates)
    return table


def accuracy_table(report: Sequence[Accuracy], caption: str) -> Table:
    """What other arithmetic costs."""
    table = Table("arithmetic", "mAP", "rank-1", "mean cosine to float32", "images/s here", caption=caption)
    for row in report:
        table.add_row(row.arithmetic, f"{row.mAP:.2%}", f"{row.rank1:.2%}", f"{row.cosine:.4f}", f"{row.rate:,.0f}")
    return table
