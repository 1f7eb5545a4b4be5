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
    """Every element is closed where it was opened, every picture has a text, and nothing comes from outside."""
    parser = Open()
    parser.feed(re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL))
    assert parser.inside == []
    assert not re.search(r"https?:|@import|url\(|<script src|<link", html)
    pictures = re.findall(r"<img [^>]*>", html)
    assert all(
        re.search(r'src="data:image/(?:jpeg|png);base64,', each) and re.search(r' alt="[^"]+', each)
        for each in pictures
    )
