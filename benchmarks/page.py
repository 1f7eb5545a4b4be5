"""Tables into docs/benchmarks.md, between the comments that name them."""

from pathlib import Path

_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def write(name: str, tables: str) -> None:
    """Put tables between `<!-- NAME -->` and `<!-- end of NAME -->`, in place of what is there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    page = _PAGE.read_text(encoding="utf-8")
    before, after = page[: page.index(begin) + len(begin)], page[page.index(end) :]
    _PAGE.write_text(f"{before}\n{tables}\n{after}", encoding="utf-8")
