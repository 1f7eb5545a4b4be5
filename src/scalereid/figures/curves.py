"""The course of a training, as a picture."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from scalereid.packages import require
from scalereid.runs.log import EpochLog

BLUE, ORANGE = "#46597a", "#c8642d"


Curves = dict[str, tuple[list[int], list[float]]]
"""Epochs and values by the name of the curve."""


def training_curve(log: Sequence[EpochLog]) -> bytes:
    """Loss and scores over the epochs of a run's log, one below the other, as a PNG.

    With a triplet term also the hardest distances: training has collapsed where both fall to 0.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    panels: list[tuple[str, Curves, float | None]] = [
        ("per cent", _scores(log, "scores", ("rank-1", "mAP")), 100),
        ("per cent", _scores(log, "attribute_scores", ("F1", "mA")), 100),
        ("per cent right", _scores(log, "class_scores", ("top-5", "top-1")), 100),
        ("mean distance", _losses(log, ("hardest_negative", "hardest_positive")), None),
    ]
    panels = [("training loss", _losses(log, ("total",)), None), *(panel for panel in panels if panel[1])]
    figure = Figure(figsize=(5, 2.2 * len(panels)), layout="constrained")  # narrow, to be legible on a phone
    for axes, (label, curves, top) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        is_point = any(len(epochs) == 1 for epochs, _ in curves.values())
        is_negative = any(value < 0 for _, values in curves.values() for value in values)
        style = "-" if top is None and not is_point else "o-"
        for (name, points), line, colour in zip(curves.items(), (style, f"{style}-"), (BLUE, ORANGE), strict=False):
            axes.plot(*points, line, markersize=3, color=colour, label=name.replace("_", " "))
        axes.set(xlabel="epoch" if top is None else "epoch (0: untrained)", ylabel=label)
        axes.set_ylim(None if is_negative else 0, top)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if len(curves) > 1:
            axes.legend(loc="lower right", frameon=False)
        tidy(axes)
    png = BytesIO()
    figure.savefig(png, dpi=130)
    return png.getvalue()


def _scores(log: Sequence[EpochLog], kind: str, metrics: Sequence[str]) -> Curves:
    """Scores of one kind in per cent; none where the log has none of them."""
    found = [(entry.epoch, scores) for entry in log if (scores := getattr(entry, kind))]
    epochs = [epoch for epoch, _ in found]
    return {name: (epochs, [100 * scores.metric(name) for _, scores in found]) for name in metrics if found}


def _losses(log: Sequence[EpochLog], names: Sequence[str]) -> Curves:
    """Losses, or what was observed with them."""
    found = [entry for entry in log if names[0] in entry.losses]
    return {
        name: ([entry.epoch for entry in found], [entry.losses[name] for entry in found]) for name in names if found
    }


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
