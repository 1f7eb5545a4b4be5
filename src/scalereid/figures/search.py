"""The course of an architecture search, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from scalereid.figures.curves import require_matplotlib, tidy
from scalereid.files import write
from scalereid.runs.log import EpochLog

COLOURS = ("#46597a", "#c8642d", "#e3b23c", "#8aa05a")  # none, inside, outside, both


def draw_search(log: Sequence[EpochLog], file: Path) -> None:
    """Draw each block's placement probabilities over the epochs of a search's log into `file`, and what was chosen.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    searched = [(entry.epoch, entry.search) for entry in log if entry.search]
    epochs = [epoch for epoch, _ in searched]
    first, last = searched[0][1], searched[-1][1]
    choices = last.choices()
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    figure.suptitle(f"After epoch {epochs[-1]}: {last.verdict()}")
    for number, axes in enumerate(figure.subplots(1, len(first.probabilities), sharey=True)):
        for choice, (name, colour) in enumerate(zip(first.placements, COLOURS, strict=True)):
            axes.plot(epochs, [state.probabilities[number][choice] for _, state in searched], color=colour, label=name)
        best = choices[number]
        chosen = f"{best.placement} {best.probability:.0%}{'' if best.decided else ', undecided'}"
        axes.set_title(f"block {number + 1}\n{chosen}", fontsize=10)
        axes.set(xlabel="epoch", ylim=(0, 1))
        tidy(axes)
        if number == 0:
            axes.set_ylabel("probability")
            axes.legend(frameon=False)
    write(file, lambda partial: figure.savefig(partial, dpi=130))
