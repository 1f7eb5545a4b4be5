"""Likelihoods of attributes as bars beside a picture, as in OSNet's paper (arXiv:1905.00953, supplement B)."""

from collections.abc import Iterable, Sequence
from html import escape

from scalereid.attributes.layer import LIKELY
from scalereid.attributes.table import UNKNOWN


def in_cards(cards: Iterable[str]) -> str:
    """Cards side by side, as a part of a page; below each other where the window is narrow."""
    return "\n".join(['<div class="likelihoods">', *cards, "</div>"])


def likelihood_card(picture: str, tables: Iterable[str], attributes: str = "") -> str:
    """HTML of a picture, and beside it tables of its likelihoods; `attributes` are those of the HTML element."""
    return f"<section{attributes and f' {attributes}'}>\n{picture}\n<div>{''.join(tables)}</div>\n</section>"


def likelihood_table(
    names: Sequence[str], row: Sequence[float], known: Sequence[int] | None = None, *, caption: str = ""
) -> str:
    """HTML of a bar for each attribute.

    Where it is `known` what is there (1, 0 or `UNKNOWN`), the names of those are bold, and ✓ and × mark what is right and
    wrong.
    """
    heading = f"<caption>{escape(caption)}</caption>" if caption else ""
    there: Sequence[int | None] = [None] * len(names) if known is None else known
    bars = "\n".join(_bar(name, value, one) for name, value, one in zip(names, row, there, strict=True))
    return f"<table>{heading}\n{bars}\n</table>"


def number_right(row: Sequence[float], known: Sequence[int]) -> tuple[int, int]:
    """How many of the attributes that are known of a picture are right, and of how many."""
    compared = [(value >= LIKELY) == bool(one) for value, one in zip(row, known, strict=True) if one != UNKNOWN]
    return sum(compared), len(compared)


def _bar(attribute: str, value: float, there: int | None) -> str:
    likely = value >= LIKELY
    kind, mark = "likely" if likely else "unlikely", ""
    if there not in (None, UNKNOWN):
        right = likely == bool(there)
        kind, mark = f"{kind} {'right' if right else 'wrong'}", "✓" if right else "×"
    name = f"<b>{escape(attribute)}</b>" if there == 1 else escape(attribute)
    return (
        f'<tr class="{kind}"><th scope="row">{name}</th>'
        '<td><svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * value:.1f}" height="6"/></svg></td><td>{value:.0%}</td>'
        f"{'' if there is None else f'<td>{mark}</td>'}</tr>"
    )
