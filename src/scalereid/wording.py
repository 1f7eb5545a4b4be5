"""Numbers, times and names in words, as messages show them."""

import re

_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but the tab, line separators, marks that reverse text, and what stands for bytes that are not UTF-8."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Format a number of things for a reader; the plural adds an s by default.

    >>> counted(1, "image"), counted(1234, "image"), counted(2, "query", "queries")
    ('1 image', '1,234 images', '2 queries')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """Format seconds for a reader.

    >>> duration(7.31), duration(75), duration(5000)
    ('7.3 s', '1 min 15 s', '1 h 23 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def named_reason(name: str, why: str) -> str:
    """What is wrong with a thing, and its name, if the reason does not have it anyway.

    >>> named_reason("a.jpg", "it has no camera"), named_reason("a.jpg", "a.jpg is empty")
    ('a.jpg: it has no camera', 'a.jpg is empty')
    """
    return why if name in why else f"{name}: {why}"


def printable(name: str) -> str:
    r"""One line with its control characters escaped, so that it cannot move the cursor, add lines or hide what follows.

    >>> print(printable("red\x1b[31m.jpg"), printable("two\nlines"), printable("\udcff"), printable("Zoë.jpg"))
    red\x1b[31m.jpg two\nlines \xff Zoë.jpg
    """
    return _UNSEEN.sub(lambda found: _escaped(found[0]), name)


def _escaped(character: str) -> str:
    byte = character.encode("utf-8", "surrogateescape") if "\udc80" <= character <= "\udcff" else b""
    return f"\\x{byte.hex()}" if byte else character.encode("unicode_escape").decode()
