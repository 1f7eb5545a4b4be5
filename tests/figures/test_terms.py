import re
from dataclasses import replace
from pathlib import Path

from scalereid.figures.terms import TERMS, meaning_of_probabilities
from tests.inference.conftest import CALIBRATION

GLOSSARY = Path(__file__).parents[2] / "docs" / "reference" / "glossary.md"


def test_terms_are_explained_as_in_the_glossary() -> None:
    rows = re.findall(r"^\| \*\*(\S+)\*\* \| (.+) \|$", GLOSSARY.read_text(), re.MULTILINE)
    meanings = {term: meaning.replace("*", "") for term, meaning in rows}
    assert {term: meanings.get(term) for term in TERMS} == TERMS


def test_what_probabilities_mean() -> None:
    assert meaning_of_probabilities(replace(CALIBRATION, prior=0.0189)) == (
        "Per cent: the probability of the same person, calibrated on toy (123), where 1.89% of all pairs show the same person."
    )
