"""scalereid models, recipes, datasets: what there is."""

from pathlib import Path
from typing import Annotated

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from tyro.conf import Positional, arg

import scalereid
from scalereid.cli.options import Flat
from scalereid.cli.terminal import Output
from scalereid.data import DATASETS
from scalereid.data.readers import SPLITS, SPLITS_OF_THEIR_OWN
from scalereid.files import read_json
from scalereid.recipes import PUBLISHED
from scalereid.recipes.published import Published


def models(output: Flat[Output]) -> None:
    """List the backbones, with their sizes and what they cost for one image of
    256×128, without classifier."""
    table = Table("backbone", "parameters", "multiply-adds", caption="without classifier; one image of 256×128")
    for name, (parameters, multiply_adds) in costs().items():
        table.add_row(name, f"{parameters:,}", f"{multiply_adds / 1e6:,.2f} M")
    output.show(table)
    output.result([
        {"name": name, "parameters": parameters, "multiply_adds": multiply_adds}
        for name, (parameters, multiply_adds) in costs().items()
    ])  # fmt: skip


def costs() -> dict[str, tuple[int, int]]:
    """Parameters and multiply-adds of the backbones, by their names."""
    # Counted beforehand, and found by path: to import the backbones would take seconds.
    found: dict[str, tuple[int, int]] = read_json(Path(scalereid.__file__).parent / "models" / "costs.json")
    return found


def recipes(
    output: Flat[Output],
    words: Annotated[
        Positional[tuple[str, ...]],
        arg(metavar="[WORD ...]", help="Only recipes with all of these in their names.", help_behavior_hint=""),
    ] = (),
) -> None:
    """List the recipes, with the scores published for them, their sources, and notes
    on both."""
    chosen = {name: recipe for name, recipe in PUBLISHED.items() if all(word in name for word in words)}
    if not chosen:
        raise ValueError(f"No recipe has {' and '.join(words)} in its name; `scalereid recipes` alone lists all.")
    output.show(*_recipe_tables(chosen))
    output.result([
        {
            "name": name,
            "dataset": published.recipe.data.dataset,
            "evaluation_dataset": published.recipe.evaluation.dataset or published.recipe.data.dataset,
            "distance": published.recipe.evaluation.distance,
            "rank1": published.scores[0] / 100 if published.scores else None,
            "mAP": _share(published.scores[1]) if published.scores else None,
            "rank5": _share(published.ranks[0]) if published.ranks else None,
            "rank10": _share(published.ranks[1]) if published.ranks else None,
            "top1_error": _share(published.top1_error),
            "source": published.source,
            "notes": published.notes,
        }
        for name, published in chosen.items()
    ])  # fmt: skip


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def datasets(output: Flat[Output]) -> None:
    """List the datasets that can be read. NAME#2 is a split, NAME@FOLDER is in a
    folder within --data, A+B is both to train on."""
    table = Table(Column("dataset", no_wrap=True), "what it is", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    values = []
    for name, reader in DATASETS.items():
        splits, what = SPLITS.get(name, 1), (reader.__doc__ or "").splitlines()[0]
        own = f"{name}, " if name in SPLITS_OF_THEIR_OWN else name
        table.add_row(f"{own}#1 … #{splits}" if splits > 1 else name, what)
        values.append({"name": name, "splits": splits, "description": what})
    output.show(table)
    output.result(values)


def _recipe_tables(chosen: dict[str, Published]) -> tuple[Table, Table]:
    """The recipes, and below them the notes that they refer to by number."""
    columns = Column("recipe", no_wrap=True), Column("rank-1 / mAP", no_wrap=True), "distance", "notes"
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    numbers: dict[str, int] = {}  # in the order they come
    for name, published in chosen.items():
        notes = [note for note in (published.source, *published.notes) if note]
        own = " ".join(str(numbers.setdefault(note, len(numbers) + 1)) for note in notes)
        scores = " / ".join("–" if score is None else f"{score:.1f}" for score in published.scores or ())
        scores = f"error {published.top1_error:.2f}" if published.top1_error is not None else scores
        table.add_row(name, scores, published.recipe.evaluation.distance if published.scores else "", own)
    footnotes = Table.grid(Column(justify="right"), Column(overflow="fold"), padding=(0, 2, 0, 0))
    for note, number in numbers.items():
        footnotes.add_row(str(number), note)
    return table, footnotes
