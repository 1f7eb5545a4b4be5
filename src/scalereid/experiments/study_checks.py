"""What is checked of a study before its first hour: its datasets, and the runs that are there already."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import torch

from scalereid.data.combined import combine
from scalereid.data.overlaps import require_unseen
from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import ReidDataset
from scalereid.experiments.attribute_labels import LearnedAttributes
from scalereid.experiments.checks import check_parts, check_task
from scalereid.experiments.rows import StudyRun
from scalereid.experiments.study_results import CLASS_METRICS, last_epoch
from scalereid.lookup import find
from scalereid.runs.run import Run
from scalereid.training.terms import TERMS


def check_code(runs: Sequence[StudyRun], out: Path, device: torch.device) -> None:
    """Try the backbones and the augmentation of each run that has not begun, as `check_parts` does, and look for its term.

    Raises:
        ValueError: One of them cannot be used; the message names the row.
    """
    new: dict[Hashable, StudyRun] = {}
    for run in runs:
        if not Run(out / run.name).exists:
            data, term = run.recipe.data, run.recipe.objective.term
            new.setdefault((run.recipe.model, run.recipe.mutual, data.image_size, data.augmentation, term), run)
    for run in new.values():
        try:
            check_parts(run.recipe, device)
            if term := run.recipe.objective.term:
                find(term, TERMS)
        except ValueError as error:
            raise ValueError(f"row {run.row!r}: {error}") from error


def check_datasets(runs: Sequence[StudyRun], data: Path, metric: str) -> dict[str, str]:
    """Check that every dataset can be read and has the images it is needed for, that recipes and their tables of attributes fit
    these, and that no run is scored on its own people.

    Returns:
        The fingerprint of each dataset that is trained or scored on, by its name.

    Raises:
        FileNotFoundError, ValueError: It cannot, or lacks them, or is trained on, or `metric` cannot be compared on it; the
            message names it.
    """
    read: dict[str, ReidDataset] = {}
    fingerprints: dict[str, str] = {}
    for run in {(run.row, run.split): run for run in runs}.values():  # whatever the seed
        targets = run.recipe.targets
        sources = run.recipe.data.dataset.split("+")  # each needs images, which their combination would not tell
        for name in (*sources, *targets):
            read[name] = read.get(name) or read_dataset(name, data)
        _require_images({name: read[name] for name in sources}, {name: read[name] for name in targets}, run.row)
        main, *also = (read[target] for target in targets)
        try:
            if run.recipe.data.dataset not in read:
                read[run.recipe.data.dataset] = combine([read[source] for source in sources])
            check_task(run.recipe, read[sources[0]], main)
            LearnedAttributes.of(run.recipe, data, read[sources[0]], main)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"row {run.row!r}: {error}") from error
        for dataset in (with_protocol(main, run.recipe.evaluation.protocol), *also):
            require_unseen("+".join(read[source].name for source in sources), dataset.name)
            _check_metric(metric, dataset)
        for name in (run.recipe.data.dataset, *targets):
            if name not in fingerprints:
                fingerprints[name] = read[name].fingerprint()
    return fingerprints


def _require_images(sources: Mapping[str, ReidDataset], targets: Mapping[str, ReidDataset], row: str) -> None:
    scored = ["gallery"] if next(iter(sources.values())).classes else ["query", "gallery"]
    for datasets, splits in ((sources, ["train"]), (targets, scored)):
        for name, dataset in datasets.items():
            if missing := [split for split in splits if not dataset.splits[split]]:
                raise ValueError(f"{name} has no {' and no '.join(missing)} images; row {row!r} needs them")


def _check_metric(metric: str, target: ReidDataset) -> None:
    if (metric in CLASS_METRICS) != bool(target.classes):
        found, wanted = ("classes", "top-1 or top-5") if target.classes else ("people", "mAP or rank-1")
        raise ValueError(f"metric is {metric}, but {target.name} has {found}; set it to {wanted}")
    people = [record.pid for record in target.gallery if record.pid > 0]
    if metric != "mAP" and target.protocol == "single-gallery-shot" and len(set(people)) < len(people):
        raise ValueError(
            f"metric is {metric}, but {target.name} is scored by single-gallery-shot, whose ranks are means of random draws "
            "that queries do not have by themselves; compare by mAP"
        )


def is_finished(run: StudyRun, out: Path, fingerprints: Mapping[str, str]) -> bool:
    """Whether `run` is finished in `out`; False if it was stopped, or is not there.

    `fingerprints` are those of the datasets as they are now, by name.

    Raises:
        ValueError: There is a run of another recipe, of another version of one's own code, or trained or scored on a dataset
            of another fingerprint.
    """
    there = Run(out / run.name)
    if not there.exists:
        return False
    if there.recipe() != run.recipe:
        raise ValueError(
            f"{there.folder} is a run of another recipe; choose another folder for the study, or remove the run"
        )
    for file in run.recipe.own_files:
        copy = there.folder / file.name
        if file.is_file() and copy.is_file() and file.read_bytes() != copy.read_bytes():
            raise ValueError(
                f"{there.folder} is a run of another {file}, of which {copy} is a copy; put that back, choose another folder "
                "for the study, or remove the run"
            )
    datasets = there.dataset()
    used = [("scored", *target) for target in zip(run.recipe.targets, datasets.targets, strict=True)]
    for what, name, facts in (*used, ("trained", run.recipe.data.dataset, datasets.source)):
        if facts.fingerprint != fingerprints[name]:
            raise ValueError(
                f"{there.folder} was {what} on another {facts.name}: its fingerprint was {facts.fingerprint} and is "
                f"{fingerprints[name]} now; choose another folder for the study, or remove the run"
            )
    return last_epoch(there, run.recipe) is not None
