"""The course of a training, as a picture."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from scalereid.packages import require
from scalereid.runs.log import EpochLog

BLUE, ORANGE = "#46597a", "#c8642d"


def training_curve(log: Sequence[EpochLog]) -> bytes:
    """Loss and scores over the epochs of a run's log, one below the other, as a PNG.

    With a triplet term also the hardest distances: training has collapsed where both fall to 0.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    trained, scored = [entry for entry in log if entry.losses], [entry for entry in log if entry.scores]
    watched = [entry for entry in trained if "hardest_positive" in entry.losses]
    panels = 3 if watched else 2
    figure = Figure(figsize=(5, 2.2 * panels), layout="constrained")  # narrow, to be legible on a phone
    above, middle, *below = figure.subplots(panels, 1)
    above.plot([entry.epoch for entry in trained], [entry.losses["total"] for entry in trained], color=BLUE)
    above.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    epochs = [entry.epoch for entry in scored]
    for metric, style, colour in (("rank-1", "o-", BLUE), ("mAP", "s--", ORANGE)):
        values = [100 * entry.scores.metric(metric) for entry in scored if entry.scores]
        middle.plot(epochs, values, style, markersize=3, color=colour, label=metric)
    middle.set(xlabel="epoch (0: untrained)", ylabel="per cent", ylim=(0, 100))
    middle.legend(loc="lower right", frameon=False)
    for axes in below:
        epochs = [entry.epoch for entry in watched]
        for name, style, colour in (("hardest_positive", "-", ORANGE), ("hardest_negative", "--", BLUE)):
            axes.plot(epochs, [e.losses[name] for e in watched], style, color=colour, label=name.replace("_", " "))
        axes.set(xlabel="epoch", ylabel="mean distance", ylim=(0, None))
        axes.legend(loc="lower right", frameon=False)
    for axes in (above, middle, *below):
        tidy(axes)
    png = BytesIO()
    figure.savefig(png, dpi=130)
    return png.getvalue()


def tidy(axes: Any) -> None:
    """A light grid instead of a frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def require_matplotlib() -> None:
    """Check that Matplotlib is installed, before hours of work rather than after.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed; the message says how to install it.
    """
    require("matplotlib", extra="figures", purpose="pictures")
