"""A page on which a person labels pairs of images: same person, different people, or unsure."""

import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from scalereid.data.images import load_image
from scalereid.data.readers.rows import csv_line
from scalereid.figures.page import content_policy, in_script, jpeg_uri
from scalereid.files import require_utf8, write
from scalereid.inference.metadata import ModelMetadata
from scalereid.retrieval.answers import COLUMNS
from scalereid.retrieval.drawing import DrawnPairs

_LARGEST = (256, 384)  # width and height of a picture
_BESIDE = Path(__file__).parent


def write_labelling_page(
    file: Path, paths: Sequence[Path], drawn: DrawnPairs, metadata: ModelMetadata, *, command: str = ""
) -> None:
    """Write one HTML file that shows pair after pair, keeps the answers in the browser and saves them as `pairs.csv`.

    The page holds its pictures and loads nothing. It shows neither file names nor distances, which would sway the answers.

    Args:
        file: The page to write.
        paths: The image of each embedding that `drawn` counts.
        drawn: The pairs to label.
        metadata: The model that they were drawn with.
        command: What to type once the answers are saved, shown on the page.

    Raises:
        ValueError: An image cannot be read, or its path is not UTF-8; the message names it.
    """
    shown = np.unique([drawn.first, drawn.second])
    position = {int(row): i for i, row in enumerate(shown)}
    names = {int(row): _name(paths[row]) for row in shown}
    pairs = [
        (
            position[int(first)],
            position[int(second)],
            csv_line([names[int(first)], names[int(second)]]),
            csv_line([f"{distance:.6f}", repr(float(weight)), metadata.fingerprint]),
        )
        for first, second, distance, weight in zip(*drawn[:4], strict=True)
    ]
    digest = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:12]
    images = [_inlined(paths[row]) for row in shown]
    sheet = {"digest": digest, "columns": ",".join(COLUMNS), "pairs": pairs, "images": images}
    html = _page(in_script(sheet), len(pairs), f"Then save, and calibrate {metadata.model}.", command)
    write(file, lambda partial: partial.write_text(html, encoding="utf-8", errors="replace"))


def _name(path: Path) -> str:
    """The image's absolute path, as the saved file may lie anywhere."""
    name = str(path.absolute())
    require_utf8(name, "as a CSV file requires; rename it")
    return name


def _inlined(path: Path) -> str:
    """A picture as a data URI."""
    image = load_image(path)
    image.thumbnail(_LARGEST, Image.Resampling.LANCZOS)
    return jpeg_uri(image, quality=85)


def _page(sheet: str, number: int, then: str, command: str) -> str:
    style, script = ((_BESIDE / name).read_text(encoding="utf-8") for name in ("labelling.css", "labelling.js"))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{content_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Label {number} pairs · scalereid</title>
<style>{style}</style>
<main>
<h1>Do both pictures show the same person?</h1>
<p id="status" role="status"></p>
<progress id="bar" max="{number}" value="0" aria-label="pairs labelled"></progress>
<div class="pair"><img id="first" alt="left picture of the pair"><img id="second" alt="right picture of the pair"></div>
<div class="row answers" role="group" aria-label="answer">
<button type="button" data-answer="same" data-key="s">same <kbd>S</kbd></button>
<button type="button" data-answer="different" data-key="d">different <kbd>D</kbd></button>
<button type="button" data-answer="unsure" data-key="u">unsure <kbd>U</kbd></button>
</div>
<div class="row">
<button type="button" id="back"><span aria-hidden="true">← </span>back</button>
<button type="button" id="next">next<span aria-hidden="true"> →</span></button>
<button type="button" id="save">save pairs.csv</button>
</div>
<details>
<summary>What to do</summary>
<p>Answer by the buttons or by the keys S, D and U; the arrow keys go back and forth. Judge the person, not the picture: build,
clothes, shoes, bag, hair. Say unsure where you could only guess: such pairs are left out. Answers are kept in this browser, so
you may close the page and open it again. You may stop at any pair: those labelled so far are as good a sample, only smaller.
{escape(then)}</p>
<p><code>{escape(command)}</code></p>
</details>
</main>
<script type="application/json" id="sheet">{sheet}</script>
<script>{script}</script>
</html>
"""
