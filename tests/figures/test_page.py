import base64
import hashlib
import json
import re
from io import BytesIO
from pathlib import Path

from PIL import Image

from scalereid.figures.page import chart, folded, folded_json, in_script, lines, photograph, write_page
from tests.figures.pages import check_page


def test_a_page_is_whole(tmp_path: Path) -> None:
    file, text = tmp_path / "new" / "page.html", "a < b\nc"
    body = folded("more & more", f"<p>{lines(text)}</p>") + photograph(Image.new("RGB", (8, 16), "red"), '"<one>"')
    write_page(file, "<run>", body)
    html = file.read_text()
    check_page(html)
    assert "<title>&lt;run&gt; · scalereid</title>" in html
    assert "<h1>&lt;run&gt;</h1>" in html
    assert "<summary>more &amp; more</summary>" in html
    assert "<p>a &lt; b<br>\nc</p>" in html
    assert 'alt="&quot;&lt;one&gt;&quot;"' in html
    assert "prefers-color-scheme: dark" in html


def test_pictures_are_in_the_page() -> None:
    found = re.search(r'src="data:image/jpeg;base64,([^"]+)"', photograph(Image.new("RGB", (8, 16), "red"), "x"))
    assert found
    with Image.open(BytesIO(base64.b64decode(found[1]))) as image:
        assert image.size == (8, 16)
        red, green, _ = image.getpixel((3, 3))  # type: ignore[misc]
    assert red > 240
    assert green < 15
    assert (
        chart(b"png", "a curve")
        == f'<img src="data:image/png;base64,{base64.b64encode(b"png").decode()}" alt="a curve" class="chart">'
    )


def test_json_is_folded() -> None:
    html = folded_json("Model", {"name": "<x>", "size": [1, 2]})
    text = re.search(r"<pre>(.*)</pre>", html, re.DOTALL)
    assert text
    assert json.loads(text[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')) == {
        "name": "<x>",
        "size": [1, 2],
    }


def test_a_page_may_use_its_own_style_and_script_and_load_nothing(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    write_page(file, "x", "<p>y</p>", style="p { color: red; }", script="let one = 1 < 2;", terms="Only <here>.")
    html = file.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    for tag in ("style", "script"):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert found
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert html.count("Only &lt;here&gt;.") == 2  # in the head, and at the end
    write_page(file, "x", "<p>y</p>")
    assert "script" not in file.read_text()
    assert in_script(["</script>"]) == '["\\u003c/script>"]'
