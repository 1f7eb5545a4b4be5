"""Small drawings in SVG, whose colours are those of the page."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 360, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 296, 12, 172


def lines_chart(
    across: Sequence[float], values: NDArray[np.floating], names: Sequence[str], *, below: str, alt: str
) -> str:
    """A chart with one line for each column of `values` (points, lines), shares in per cent over `across`.

    `names` stand at the ends of the lines, `below` under the axis. The upright axis begins at the least value.
    """
    least, greatest = 100 * float(values.min()), 100 * float(values.max())
    margin = max(0.1 * (greatest - least), 0.1)
    low, high = least - margin, greatest + margin

    def x(value: float) -> float:
        return _LEFT + (value - min(across)) / max(max(across) - min(across), 1e-12) * (_RIGHT - _LEFT)

    def y(share: float) -> float:
        return _BOTTOM - (100 * share - low) / (high - low) * (_BOTTOM - _TOP)

    digits = 1 if greatest - least > 1.5 else 2
    parts = []
    for share in np.linspace(least, greatest, 4) / 100:
        parts.append(f'<path class="grid" d="M{_LEFT} {y(share):.1f}H{_RIGHT}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 6}" y="{y(share) + 4:.1f}">{share:.{digits}%}</text>')
    for value in across:
        parts.append(f'<text class="middle" x="{x(value):.1f}" y="{_BOTTOM + 18}">{value:.0%}</text>')
    parts.append(f'<text class="middle" x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 35}">{escape(below)}</text>')
    ends = _apart([y(float(share)) for share in values[np.argmax(across)]], 14)
    for line, (name, end) in enumerate(zip(names, ends, strict=True)):
        points = " ".join(f"{x(a):.1f},{y(float(v)):.1f}" for a, v in zip(across, values[:, line], strict=True))
        parts.append(f'<polyline class="line s{line}" points="{points}"/>')
        parts.append(f'<text class="name s{line}" x="{_RIGHT + 8}" y="{end + 4:.1f}">{escape(name)}</text>')
    view = f"0 0 {_WIDTH} {_HEIGHT}"
    return f'<svg class="lines" viewBox="{view}" role="img" aria-label="{escape(alt)}">{"".join(parts)}</svg>'


def deviation_bar(value: float, most: float) -> str:
    """A bar to the left or right of its middle, for a value from −`most` to `most`."""
    width = 50 * min(abs(value) / max(most, 1e-12), 1)
    left = 50 - width if value < 0 else 50
    bar = f'<rect class="{"below" if value < 0 else "above"}" x="{left:.1f}" width="{width:.1f}" height="6"/>'
    return f'<svg class="bar" viewBox="0 0 100 6" aria-hidden="true">{bar}<path class="grid" d="M50 0V6"/></svg>'


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """Heights moved downwards as far as needed to be `least` apart."""
    moved, last = list(heights), -np.inf
    for i in np.argsort(heights):
        moved[i] = last = max(heights[i], last + least)
    return moved
