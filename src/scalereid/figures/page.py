"""The frame of every page: one HTML file with its pictures in it, for narrow and wide windows, light and dark."""

import base64
import hashlib
import json
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from scalereid.data.images import as_jpeg
from scalereid.files import write

_STYLE = Path(__file__).with_name("page.css")


def write_page(file: Path, title: str, body: str, *, style: str = "", script: str = "", terms: str = "") -> None:
    """Write a page that loads nothing from outside.

    Args:
        file: The HTML file to write.
        title: Plain text.
        body: HTML without its heading.
        style: CSS beside that of every page.
        script: JavaScript that runs when all else is there.
        terms: Terms of use of the pictures, in plain text: at the end of the page, and in the file's head.
    """
    style = f"\n{_STYLE.read_text(encoding='utf-8')}{style}"
    rights = f'\n<meta name="dcterms.rights" content="{escape(terms)}">' if terms else ""
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{content_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">{rights}
<title>{escape(title)} · scalereid</title>
<style>{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
{f"<footer><p><small>{escape(terms)}</small></p></footer>" if terms else ""}
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, lambda partial: partial.write_text(html, encoding="utf-8", errors="replace"))


def content_policy(style: str, script: str) -> str:
    """What a browser lets a page do: use this style, this script and pictures that are in it, and load nothing."""
    scripts = f"script-src {_hash(script)}; " if script else ""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; {scripts}base-uri 'none'; form-action 'none'"


def in_script(values: Any) -> str:
    """JSON values as the content of a `<script type="application/json">`."""
    return json.dumps(values).replace("<", "\\u003c")


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


def png_uri(image: Image.Image) -> str:
    """The image itself as an address, in PNG: for drawings of few colours."""
    stored = BytesIO()
    image.save(stored, "PNG", optimize=True)
    return _uri(stored.getvalue(), "png")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _image(uri: str, alt: str, attributes: str) -> str:
    return f'<img src="{uri}" alt="{escape(alt)}"{attributes}>'
