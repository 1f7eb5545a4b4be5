"""Distances of same-person and different-person pairs, and what a threshold on them gives, as pictures."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from scalereid.figures.curves import require_matplotlib
from scalereid.files import write
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.pairs import PairDistances
from scalereid.wording import printable

_BARS = 128


def draw_distances(pairs: PairDistances, calibration: Calibration, file: Path) -> None:
    """Draw histograms of both kinds of pairs with the thresholds, above the probability of the same person."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    counted = (pairs.seen.same + pairs.seen.different).nonzero()[0]
    first, last = pairs.edges[counted[0]], pairs.edges[counted[-1] + 1]
    bars = np.linspace(first, last, _BARS + 1)
    middles = (pairs.edges[:-1] + pairs.edges[1:]) / 2
    labelled = "labelled " if pairs.sample else ""
    for counts, seen, colour, label in (
        (pairs.same, pairs.seen.same, "tab:green", "the same person"),
        (pairs.different, pairs.seen.different, "tab:red", "different people"),
    ):
        heights = np.histogram(middles, bars, weights=counts / counts.sum())[0]
        legend = f"{seen.sum():,} {labelled}pairs of {label}"
        above.stairs(heights, bars, fill=True, alpha=0.5, color=colour, label=legend)
    for point in calibration.points:
        above.axvline(point.threshold, color="black", linewidth=0.8, linestyle=":")
        above.annotate(
            f"{point.wanted:g}", (point.threshold, 1), xycoords=("data", "axes fraction"), rotation=90,
            va="top", ha="right", fontsize=8,
        )  # fmt: skip
    above.set(ylabel="share of pairs", yticks=[])
    _set_title(above, calibration)
    figure.legend(title="dotted: false-match rates", title_fontsize=8, fontsize=9, loc="outside lower center", ncols=2)
    below.plot(
        bars, calibration.probability(bars, prior=0.5), color="tab:blue", label="if both kinds are equally frequent"
    )
    below.plot(
        bars, calibration.probability(bars), color="tab:blue", linestyle="--", label="as frequent as in this dataset"
    )
    distance = "squared Euclidean" if calibration.distance == "euclidean" else calibration.distance
    below.set(xlabel=f"{distance} distance", ylabel="probability of\nthe same person", ylim=(0, 1))
    below.legend(fontsize=8)
    _save(figure, file)


def draw_roc(pairs: PairDistances, calibration: Calibration, file: Path) -> None:
    """Draw the true-match rate over the false-match rate (ROC), down to the smallest rate that the pairs can measure."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    false, true = pairs.rates()
    axes.plot(false, true, color="tab:blue")
    for point in calibration.points:
        axes.plot(point.false_match_rate, point.true_match_rate, "o", color="black", markersize=4)
        axes.annotate(f"{point.true_match_rate:.1%}", (point.false_match_rate, point.true_match_rate), fontsize=8,
                      xytext=(4, -10), textcoords="offset points")  # fmt: skip
    axes.set_xscale("log")
    axes.set(
        xlim=(pairs.smallest_rate, 1), ylim=(0, 1.02), xlabel="false-match rate", ylabel="true-match rate",
    )  # fmt: skip
    _set_title(axes, calibration)
    axes.grid(alpha=0.3)
    _save(figure, file)


def _set_title(axes: Any, calibration: Calibration) -> None:
    """Name the model and the dataset, whose names may hold anything: $ begins no formula in them."""
    title = f"{printable(calibration.model)}\non {printable(calibration.dataset)}"
    axes.set_title(title, fontsize=10, parse_math=False)


def _save(figure: Any, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # in Matplotlib's font: drawn as a box
        write(file, lambda partial: figure.savefig(partial, dpi=110))
