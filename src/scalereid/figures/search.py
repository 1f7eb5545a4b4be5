"""How each block's choice evolved during a search, as a picture."""

from pathlib import Path
from typing import Any

from scalereid.figures.curves import require_matplotlib

COLOURS = ("#46597a", "#c8642d", "#e3b23c", "#8aa05a")  # of none, inside, outside, both


def draw_search(log: list[dict[str, Any]], file: Path) -> None:
    """The placements' probabilities in each of the six blocks over the epochs of a search's log, written to `file`.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    searched = [entry for entry in log if "search" in entry]
    epochs = [entry["epoch"] for entry in searched]
    names = searched[0]["search"]["placements"]
    blocks = len(searched[0]["search"]["probabilities"])
    figure = Figure(figsize=(12, 2.8), layout="constrained")
    for number, axes in enumerate(figure.subplots(1, blocks, sharey=True)):
        for choice, (name, colour) in enumerate(zip(names, COLOURS, strict=True)):
            values = [entry["search"]["probabilities"][number][choice] for entry in searched]
            axes.plot(epochs, values, color=colour, label=name)
        axes.set(title=f"stage {number // 2 + 1}, block {number % 2 + 1}", xlabel="epoch", ylim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        if number == 0:
            axes.set_ylabel("probability")
            axes.legend(frameon=False)
    figure.savefig(file, dpi=130)
