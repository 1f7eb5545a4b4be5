from pathlib import Path

import numpy as np
from PIL import Image

from scalereid.figures.search import COLOURS, draw_search
from scalereid.models.genotype import PLACEMENTS
from scalereid.runs.log import EpochLog
from scalereid.training.search import SearchState


def state(*block: float) -> SearchState:
    return SearchState(PLACEMENTS, (block,) * 6, (1.0,) * 6, 10.0)


def test_every_placement_has_a_line_of_its_own_colour(tmp_path: Path) -> None:
    log = [
        EpochLog(0, search=state(0.25, 0.25, 0.25, 0.25)),
        EpochLog(1),
        EpochLog(2, search=state(0.1, 0.2, 0.3, 0.4)),
    ]
    draw_search(log, tmp_path / "search.png")
    with Image.open(tmp_path / "search.png") as image:
        colours = {
            tuple(colour) for colour in np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0).tolist()
        }
        assert image.width > 1_000
    assert {tuple(bytes.fromhex(colour[1:])) for colour in COLOURS} <= colours
