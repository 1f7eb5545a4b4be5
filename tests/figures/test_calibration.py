from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
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


def test_pictures_are_whole_or_those_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle of a picture."""

    def half(self: Figure, file: Path, **_: object) -> None:  # noqa: ARG001
        file.write_bytes(b"half")
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", half)
    counts = np.array([20, 0, 0, 0]), np.array([0, 0, 0, 20])
    pairs = PairDistances(np.linspace(0, 2, 5), *counts)
    found = calibrate(pairs, distance="cosine", model="m", fingerprint="0", dataset="d")
    for draw in (draw_distances, draw_roc):
        (tmp_path / "before.png").write_bytes(b"before")
        with pytest.raises(OSError, match=r"before\.png cannot be written: No space left on device"):
            draw(pairs, found, tmp_path / "before.png")
        assert (tmp_path / "before.png").read_bytes() == b"before"
        assert [file.name for file in tmp_path.iterdir()] == ["before.png"]
