"""Checks of a dataset: what is wrong with it, and what to do."""

from scalereid.data.check.files import check_files
from scalereid.data.check.findings import Finding
from scalereid.data.check.people import check_people
from scalereid.data.check.scores import check_scores
from scalereid.data.images import Advance
from scalereid.data.records import ReidDataset

_OF_PEOPLE = ("tiny-images", "odd-shapes")  # kinds of findings on what images of people look like


def check(dataset: ReidDataset, *, decode: bool = False, advance: Advance = lambda _: None) -> list[Finding]:
    """What to know about a dataset before it is used: errors first, then warnings, then notes.

    Every file is read once, to find copies, and its header decoded; with `decode` the pixels too. `advance` is called with the
    number of files done.
    """
    findings = [*check_files(dataset, decode=decode, advance=advance)]
    if dataset.classes:
        findings = [finding for finding in findings if finding.kind not in _OF_PEOPLE]
    else:
        findings += [*check_people(dataset), *check_scores(dataset)]
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
