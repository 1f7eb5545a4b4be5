"""Likelihoods of attributes as bars beside each picture, as in OSNet's paper (arXiv:1905.00953, supplement B)."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.layer import LIKELY
from scalereid.figures.page import write_page
from scalereid.figures.tiles import Tile, tiles_html
from scalereid.wording import counted

ON_PAGE = 500
"""Number of pictures on a page at most; larger pages open slowly."""


def write_attributes(
    file: Path, model: str, paths: Sequence[str], names: Sequence[str], likelihoods: NDArray[np.float32]
) -> None:
    """Write one HTML file with the first `ON_PAGE` pictures, each beside bars of its likelihoods (n, attributes)."""
    shown = min(len(paths), ON_PAGE)
    words = [
        f"Likelihoods by {model}. What is at least {LIKELY:.0%} likely is taken to be there; the other bars are pale."
    ]
    words += [f"The first {shown:,} pictures are shown."] if shown < len(paths) else []
    cards = (_card(path, names, row) for path, row in zip(paths[:shown], likelihoods[:shown].tolist(), strict=True))
    body = "\n".join([f"<p>{escape(' '.join(words))}</p>", '<div class="likelihoods">', *cards, "</div>"])
    write_page(file, f"Attributes of {counted(len(paths), 'picture')}", body)


def _card(path: str, names: Sequence[str], row: Sequence[float]) -> str:
    name = Path(path).name
    bars = "\n".join(_bar(attribute, value) for attribute, value in zip(names, row, strict=True))
    return f"<section>\n{tiles_html([Tile(path, 'found', (name,), name)])}\n<table>\n{bars}\n</table>\n</section>"


def _bar(attribute: str, value: float) -> str:
    kind = "likely" if value >= LIKELY else "unlikely"
    return (
        f'<tr class="{kind}"><th scope="row">{escape(attribute)}</th>'
        '<td><svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * value:.1f}" height="6"/></svg></td><td>{value:.0%}</td></tr>'
    )
