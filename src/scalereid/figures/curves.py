"""How a training went, as a picture."""

from pathlib import Path
from typing import Any


def draw_training_curve(log: list[dict[str, Any]], file: Path) -> None:
    """Loss and scores over the epochs of a run's log, written to `file` (its ending decides the format).

    With a triplet term also the hardest distances: where both fall to 0, training has collapsed.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    trained = [entry for entry in log if "total" in entry]
    has_distances = any("hardest_positive" in entry for entry in trained)
    figure = Figure(figsize=(12 if has_distances else 8, 3), layout="constrained")
    left, right, *more = figure.subplots(1, 3 if has_distances else 2)
    left.plot([e["epoch"] for e in trained], [e["total"] for e in trained], color="#46597a")
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    scored = [entry for entry in log if "scores" in entry]
    epochs = [e["epoch"] for e in scored]
    right.plot(
        epochs, [100 * e["scores"]["cmc"][0] for e in scored], "o-", markersize=3, color="#46597a", label="rank-1"
    )
    right.plot(epochs, [100 * e["scores"]["mAP"] for e in scored], "s--", markersize=3, color="#c8642d", label="mAP")
    right.set(xlabel="epoch (0: untrained)", ylabel="per cent", ylim=(0, 100))
    right.legend(loc="lower right", frameon=False)
    for axes in more:
        epochs = [e["epoch"] for e in trained]
        for name, style, colour in (("hardest_positive", "-", "#c8642d"), ("hardest_negative", "--", "#46597a")):
            axes.plot(epochs, [e[name] for e in trained], style, color=colour, label=name.replace("_", " "))
        axes.set(xlabel="epoch", ylabel="mean distance", ylim=(0, None))
        axes.legend(loc="lower right", frameon=False)
    for axes in (left, right, *more):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(file, dpi=130)


def require_matplotlib() -> None:
    """Say what to install when Matplotlib is missing, before hours of work rather than after.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise ModuleNotFoundError("curves need Matplotlib: pip install 'scalereid[figures]'") from None
