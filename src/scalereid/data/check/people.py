"""Checks of people and cameras alone: who can be learned from, who can be found, which rule forbids it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from scalereid.data.check.findings import Finding, Severity, named, share
from scalereid.data.protocols import LEFT_OUT, Protocol, needs_two_cameras
from scalereid.data.readers.cameras import in_words
from scalereid.data.records import ImageRecord, ReidDataset, is_left_out, one_per_tracklet
from scalereid.wording import counted


def check_people(dataset: ReidDataset) -> list[Finding]:
    """What is wrong with a dataset's people and cameras, split by split; nothing is read from disk."""
    findings = []
    if not any(dataset.splits.values()):
        findings.append(Finding("error", "no-images", f"{dataset.name} has no images in {dataset.root}"))
    for why, files in sorted(dataset.left_out.items()):
        findings.append(Finding("note", "left-out", f"left out: {files:,} {why}"))
    if dataset.cameras:
        message = f"the cameras have these numbers: {in_words(dataset.cameras)}"
        findings.append(Finding("note", "camera-numbers", message))
    if dataset.train:
        findings += _check_training(dataset.train)
    if dataset.query and dataset.gallery:
        findings += _check_test(dataset)
    elif dataset.query or dataset.gallery:
        there, missing = ("query", "gallery") if dataset.query else ("gallery", "query")
        message = f"there are {there} images but no {missing} images; scoring takes both"
        findings.append(Finding("error", "one-sided-test", message))
    elif dataset.train:
        message = (
            "there are no query and gallery images: a model can be trained, but not scored. Write a split that takes some "
            "people out of training to be found"
        )
        findings.append(Finding("note", "no-test-side", message))
    both = {r.pid for r in dataset.train} & {r.pid for r in (*dataset.query, *dataset.gallery) if r.pid > 0}
    if both:
        message = (
            f"{counted(len(both), 'person', 'people')} both in training and in query or gallery: the score will say how well "
            "people are remembered, not how well unseen people are found"
        )
        findings.append(Finding("warning", "people-on-both-sides", message, named([f"pid {p}" for p in sorted(both)])))
    return findings


def _check_training(train: Sequence[ImageRecord]) -> Iterator[Finding]:
    images = Counter(record.pid for record in train)
    if len(images) == 1:
        yield Finding("error", "one-person", "all training images show one person; expected at least two people")
    if single := [pid for pid, number in sorted(images.items()) if number == 1]:
        message = (
            f"{share(len(single), len(images))} training people have a single image, from which nothing can be learned about "
            "what stays the same between images; people × images batches repeat it"
        )
        yield Finding("warning", "single-images", message, named([f"pid {pid}" for pid in single]))
    if 0 in images:
        message = (
            f"{images[0]:,} training images have pid 0, which stands for distractors; they are learned as one person"
        )
        yield Finding("warning", "distractors-in-training", message)
    cameras: dict[int, set[int]] = defaultdict(set)
    for record in train:
        cameras[record.pid].add(record.camid)
    if len(set().union(*cameras.values())) == 1:
        message = (
            "all training images have one camera: the model will not learn to see past a change of camera. Where there were "
            "several, write their numbers into names or table"
        )
        yield Finding("warning", "one-training-camera", message)
    elif all(len(seen) == 1 for seen in cameras.values()):
        message = (
            "no training person was seen by two cameras: the model will learn to tell cameras apart rather than to see past a "
            "change of camera. Are people numbered anew for each camera?"
        )
        yield Finding("warning", "one-camera-each", message)


def _check_test(dataset: ReidDataset) -> Iterator[Finding]:
    query, gallery = one_per_tracklet(dataset.query), one_per_tracklet(dataset.gallery)
    yield from _check_matches(dataset.protocol, query, gallery)
    if unnumbered := [record for record in query if record.pid == 0]:
        message = (
            f"{share(len(unnumbered), len(query))} queries have pid 0, which stands for distractors; give them the numbers of "
            "people"
        )
        yield Finding("warning", "distractors-as-queries", message, named([record.path for record in unnumbered]))
    if len({record.pid for record in gallery} - {0}) == 1:
        yield Finding("warning", "one-gallery-person", "the gallery shows one person, so whatever is found is right")
    if distractors := sum(record.pid == 0 for record in gallery):
        message = f"{share(distractors, len(gallery))} gallery images are distractors, pid 0"
        yield Finding("note", "distractors", message)
    copies: dict[Path, list[ImageRecord]] = defaultdict(list)
    for record in gallery:
        copies[record.path].append(record)
    if twice := [q for q in query if any(is_left_out(dataset.protocol, q, copy) for copy in copies.get(q.path, ()))]:
        message = (
            f"{share(len(twice), len(query))} query images are in the gallery too; no query is scored on finding itself: the "
            f"{dataset.protocol} protocol leaves it out"
        )
        yield Finding("note", "query-in-gallery", message)


def _check_matches(
    protocol: Protocol, query: Sequence[ImageRecord], gallery: Sequence[ImageRecord]
) -> Iterator[Finding]:
    """Queries without a match: because their person is not in the gallery, or because of the protocol."""
    images_of: dict[int, list[ImageRecord]] = defaultdict(list)
    for record in gallery:
        images_of[record.pid].append(record)
    present = [record for record in query if record.pid in images_of]
    if absent := [record for record in query if record.pid not in images_of]:
        severity: Severity = "warning" if present else "error"
        what_to_do = "are query and gallery numbered alike, and from the same dataset?"
        if present:
            what_to_do = "they will be reported, not counted"
        message = f"{share(len(absent), len(query))} queries show people who are not in the gallery; {what_to_do}"
        people = named([f"pid {pid}" for pid in sorted({record.pid for record in absent})])
        yield Finding(severity, "absent-people", message, people)
    if unmatched := [q for q in present if all(is_left_out(protocol, q, image) for image in images_of[q.pid])]:
        severity = "error" if len(unmatched) == len(present) else "warning"
        one_camera = len({record.camid for record in (*query, *gallery)}) == 1
        what_to_do = (
            "all images have one camera: choose the protocol all-cameras, or write the cameras into names or table"
            if one_camera and needs_two_cameras(protocol)
            else "they will not be counted"
        )
        message = (
            f"{share(len(unmatched), len(query))} queries have no match: the {protocol} protocol leaves out "
            f"{LEFT_OUT[protocol]}, and the gallery has no other image of that person; {what_to_do}"
        )
        yield Finding(severity, "no-match", message, named([record.path for record in unmatched]))
