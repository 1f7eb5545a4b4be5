"""A page with likelihoods of attributes as bars beside each picture."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.layer import LIKELY
from scalereid.figures.likelihoods import in_cards, likelihood_card, likelihood_table
from scalereid.figures.page import write_page
from scalereid.figures.tiles import Tile, tiles_html
from scalereid.inference.items import common_folder
from scalereid.wording import counted

ON_PAGE = 500
"""Number of pictures on a page at most; larger pages open slowly."""


def write_attributes(
    file: Path,
    model: str,
    paths: Sequence[str],
    names: Sequence[str],
    likelihoods: NDArray[np.float32],
    *,
    terms: str,
) -> None:
    """Write one HTML file with the first `ON_PAGE` pictures, each beside bars of its likelihoods (n, attributes).

    `terms` are the terms of use of the pictures: see `terms_of_files`.
    """
    shown = min(len(paths), ON_PAGE)
    words = [
        f"Likelihoods by {model}. What is at least {LIKELY:.0%} likely is taken to be there; the other bars are pale."
    ]
    words += [f"The first {shown:,} pictures are shown."] if shown < len(paths) else []
    cards, folder = [], common_folder(paths)
    for path, row in zip(paths[:shown], likelihoods[:shown].tolist(), strict=True):
        name = path.removeprefix(folder)
        picture = tiles_html([Tile(path, "found", (name,), name)])
        cards.append(likelihood_card(picture, [likelihood_table(names, row)]))
    body = f"<p>{escape(' '.join(words))}</p>\n{in_cards(cards)}"
    write_page(file, f"Attributes of {counted(len(paths), 'picture')}", body, terms=terms)
