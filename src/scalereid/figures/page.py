"""The frame of every page: one HTML file with its pictures in it, for narrow and wide windows, light and dark."""

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from scalereid.data.images import as_jpeg
from scalereid.files import write

_STYLE = Path(__file__).with_name("page.css")


def write_page(file: Path, title: str, body: str) -> None:
    """Write a page that loads nothing from outside. `title` is plain text, `body` is HTML without its heading."""
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · scalereid</title>
<style>
{_STYLE.read_text()}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, lambda partial: partial.write_text(html, encoding="utf-8", errors="replace"))


def photograph(image: Image.Image, alt: str) -> str:
    """An `<img>` with the image in it, as JPEG."""
    return _image(jpeg_uri(image, quality=80), alt, "")


def chart(png: bytes, alt: str) -> str:
    """An `<img>` with a PNG picture in it."""
    return _image(_uri(png, "png"), alt, ' class="chart"')


def folded(summary: str, content: str) -> str:
    """A part that opens with a click; `summary` is plain text, `content` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>\n{content}\n</details>"


def folded_json(summary: str, values: Any) -> str:
    """JSON values in a part that opens with a click."""
    return folded(summary, f"<pre>{escape(json.dumps(values, indent=2, default=str))}</pre>")


def lines(text: str) -> str:
    """Plain text with its line breaks."""
    return "<br>\n".join(escape(line) for line in text.splitlines())


def jpeg_uri(image: Image.Image, *, quality: int) -> str:
    """The image itself as an address, in JPEG."""
    return _uri(as_jpeg(image, quality=quality), "jpeg")


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _image(uri: str, alt: str, attributes: str) -> str:
    return f'<img src="{uri}" alt="{escape(alt)}"{attributes}>'
