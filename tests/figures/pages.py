"""What every page must be."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "input"}


class Open(HTMLParser):
    """Follows a page's elements from opening to end."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag


def check_page(html: str) -> None:
    """Every element is closed where it was opened, every picture has a text, and nothing comes from outside.

    Pictures in buttons are put in by the page's script, and are in the page once.
    """
    scripts = "".join(re.findall(r"<script.*?</script>", html, flags=re.DOTALL))
    parser = Open()
    parser.feed(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    assert parser.inside == []
    assert not re.search(r"https?:|@import|url\(|<script src|<link", html)
    put_in = re.findall(r'<button[^>]* data-picture="\d+"[^>]*>(<img [^>]*>)', html)
    pictures = [each for each in re.findall(r"<img [^>]*>", html) if 'id="picture"' not in each]  # in which one opens
    assert all(re.search(r' alt="[^"]+', each) for each in pictures)
    assert sum(bool(re.search(r'src="data:image/(?:jpeg|png);base64,', each)) for each in pictures) + len(
        put_in
    ) == len(pictures)
    sources = re.findall(r'"(data:image/jpeg;base64,[^"]+)"', scripts)
    assert len({*sources}) == len(sources)
    assert bool(sources) == bool(put_in)
