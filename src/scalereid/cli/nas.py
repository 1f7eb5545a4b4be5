"""scalereid nas: the search for where an OSNet or a DSLNet needs instance norm."""

from shlex import quote
from typing import TYPE_CHECKING

from scalereid.cli.options import Flat
from scalereid.cli.starting import NewRun, RecipeName, Settings, StoppedRun, go_on, require_new_run, start
from scalereid.cli.terminal import Output, program
from scalereid.distributed import is_first
from scalereid.runs.recipe import Recipe

if TYPE_CHECKING:
    from scalereid.runs.run import Run
    from scalereid.training.search import SearchState


def nas(recipe: RecipeName, options: Flat[NewRun], output: Flat[Output], settings: Settings = Recipe()) -> None:
    """Search where an OSNet or a DSLNet needs instance norm, by a recipe, any of its
    settings changed:
      scalereid nas nas_toy --data data --out runs/search
    Go on with a search that was stopped:
      scalereid nas --resume runs/search"""
    from scalereid.figures.curves import require_matplotlib

    require_matplotlib()
    require_new_run(options.out)
    _finish(start("nas", recipe, settings, options, output), output)


def resume(options: Flat[StoppedRun], output: Flat[Output]) -> None:
    """Go on with a search that was stopped, by its own recipe and in its own folder;
    with more epochs, extend it."""
    from scalereid.figures.curves import require_matplotlib

    require_matplotlib()
    _finish(go_on("nas", options, output), output)


def _finish(run: "Run", output: Output) -> None:
    from scalereid.figures.search import draw_search
    from scalereid.models.genotype import Genotype

    if not is_first():
        return
    log, picture, found = run.log(), run.folder / "search.png", Genotype.load(run.genotype)
    state = log[-1].search
    assert state is not None, "a search logs its state after each epoch"
    draw_search(log, picture)
    data, genotype = quote(run.dataset().data), quote(str(run.genotype))
    output.say(
        f"Likeliest placements of instance norm, from the first block to the last: {' '.join(found.placements)}\n"
        f"{_decision(state)}\n"
        f"written to {run.genotype}; the course of the search: {picture}\n"
        f"Train it:  {program()} train RECIPE --data {data} --out runs/child --genotype {genotype}"
    )
    output.result({
        "run": str(run.folder), "log": log[-1].to_json(), "genotype": str(run.genotype), "stem": found.stem,
        "placements": found.placements, "blocks": [choice._asdict() for choice in state.choices()],
        "undecided": state.undecided(), "picture": str(picture),
    })  # fmt: skip


def _decision(state: "SearchState") -> str:
    """How clear the choice is in each block, and whether the search has decided."""
    from scalereid.training.search import UNDECIDED

    lines = [
        f"  block {number}: {choice.placement} {choice.probability:.1%}, {100 * choice.margin:.1f} points before "
        f"{choice.second}{'' if choice.decided else ' (undecided)'}"
        for number, choice in enumerate(state.choices(), 1)
    ]
    verdict = f"The search is {state.verdict()}."
    if state.undecided():
        share, largest = f"{UNDECIDED:.0%}", f"ln {len(state.placements)} = {state.largest_entropy:.3f}"
        verdict += (
            f" There all placements are almost equally likely (entropy above {share} of {largest}), and the one written is "
            "little better than chance. Search for more epochs, or with a higher learning rate."
        )
    return "\n".join([*lines, verdict])
