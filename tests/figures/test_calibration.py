from pathlib import Path

import numpy as np
from PIL import Image

from scalereid.figures.calibration import draw_distances, draw_roc
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.pairs import PairDistances


def test_pictures_are_drawn(tmp_path: Path) -> None:
    edges = np.linspace(0, 2, 1_025)
    rng = np.random.default_rng(0)
    same, different = (np.histogram(rng.normal(m, 0.2, 5_000), edges)[0] for m in (0.6, 1.4))
    pairs = PairDistances(edges, same, different)
    model = "$\\frac$ \x1b 人 \udcff"  # neither formulas nor letters of the font
    dataset = "$a$\ttwo\nlines (\\undefined)"
    found = calibrate(pairs, distance="cosine", model=model, fingerprint="0", dataset=dataset)
    for draw, name in ((draw_distances, "distances.png"), (draw_roc, "roc.png")):
        draw(pairs, found, tmp_path / name)
        with Image.open(tmp_path / name) as image:
            colours = np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)
        assert len(colours) > 50
