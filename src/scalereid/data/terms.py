"""Terms under which the images of published datasets may be used, as far as they are known."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from scalereid.data import DATASETS
from scalereid.data.names import named_datasets
from scalereid.data.overlaps import is_drawn

_DRAWN = "The people in these pictures are drawn; they may be shown to anybody."
_RESEARCH = (
    "These pictures show real people. {} may be used for academic research only, under its authors' terms, which this page "
    "is under, too: do not publish it or pass it on."
)
_WITHDRAWN = (
    "These pictures show real people. DukeMTMC-reID was withdrawn by its authors over consent: do not publish this page or "
    "pass it on."
)
_ASK = (
    "These pictures may show real people. {} has terms of its own, which this page is under, too: read them before you publish "
    "it or pass it on."
)
_OWN = (
    "If these pictures show real people, this page is personal data: whoever may not see the pictures may not see it, and it "
    "is to be deleted with them."
)
TERMS_OF_UNKNOWN = (
    "If these pictures are of a published dataset, this page is under its terms, too. If they show real people, it is personal "
    "data: whoever may not see the pictures may not see it, and it is to be deleted with them."
)
"""Of images that may be of any dataset, or of none."""
_ACADEMIC = {"market1501": "Market-1501", "msmt17": "MSMT17", "cuhk03": "CUHK03"}
_OWNERS = {"csv", "jsonl", "market-names", "folders", "person-folders", "camera-folders"}


def terms_of_use(dataset: str) -> str:
    """Under which terms the images of a dataset may be shown, in a sentence or two for a page of them.

    `dataset` is a name as `read_dataset` takes it, or that of a dataset of one's own; of several combined, each is named once.
    """
    return " ".join(dict.fromkeys(_terms(part.reader) for part in named_datasets(dataset)))


def terms_of_files(paths: Iterable[str], datasets: Mapping[str, str]) -> str:
    """Under which terms some images may be shown of which only the files are known.

    `datasets` are names of datasets by their folders. A file that lies in none of them may be of any dataset, or of none; the
    sentence for it says so.
    """
    folders = {Path(folder).resolve(): name for folder, name in datasets.items()}
    found: dict[str, None] = {}
    for parent in dict.fromkeys(Path(path).parent for path in paths):
        place = parent.resolve()
        names = [name for folder, name in folders.items() if place.is_relative_to(folder)]
        found |= dict.fromkeys([terms_of_use(name) for name in names] or [TERMS_OF_UNKNOWN])
    return " ".join(found)


def _terms(reader: str) -> str:
    if is_drawn(reader):  # the name may be that of somebody's own folder, such as toyshop
        return _DRAWN
    if reader.startswith("dukemtmc"):
        return _WITHDRAWN
    if reader in _OWNERS or reader not in DATASETS:
        return _OWN
    family = reader.split("-")[0]
    return _RESEARCH.format(_ACADEMIC[family]) if family in _ACADEMIC else _ASK.format(f"The dataset {reader}")
