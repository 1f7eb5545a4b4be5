"""What people and cameras alone tell: who can be learned from, who can be found, which rule forbids it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from scalereid.data.check.findings import Finding, Severity, named, share
from scalereid.data.protocols import Protocol
from scalereid.data.records import ImageRecord, ReidDataset, one_per_tracklet


def check_people(dataset: ReidDataset) -> list[Finding]:
    """What is wrong with a dataset's people and cameras, side by side; nothing is read from disk."""
    findings = []
    if not any(dataset.splits.values()):
        findings.append(Finding("error", "no-images", f"{dataset.name} has no images in {dataset.root}"))
    for why, files in sorted(dataset.left_out.items()):
        findings.append(Finding("note", "left-out", f"left out: {files:,} {why}"))
    if dataset.train:
        findings += _check_training(dataset.train)
    if dataset.query or dataset.gallery:
        findings += _check_test(dataset)
    elif dataset.train:
        message = (
            "there are no query and gallery images: a model can be trained, but not scored. `scalereid data check ROOT "
            "--write-split` takes some people out of training to be found"
        )
        findings.append(Finding("note", "no-test-side", message))
    both = {r.pid for r in dataset.train} & {r.pid for r in (*dataset.query, *dataset.gallery) if r.pid > 0}
    if both:
        message = (
            f"{len(both):,} people are on the training and on the test side: the score will say how well they are remembered, "
            "not how well strangers are found"
        )
        findings.append(Finding("warning", "people-on-both-sides", message, named([f"pid {p}" for p in sorted(both)])))
    return findings


def _check_training(train: Sequence[ImageRecord]) -> Iterator[Finding]:
    images = Counter(record.pid for record in train)
    if len(images) == 1:
        yield Finding("error", "one-person", "all training images show one person: there is nothing to tell apart")
    single = [pid for pid, number in sorted(images.items()) if number == 1]
    if single:
        message = (
            f"{share(len(single), len(images))} training people have a single image, from which nothing can be learned about "
            "what stays the same between images; with people × images batches it is repeated"
        )
        yield Finding("warning", "single-images", message, named([f"pid {pid}" for pid in single]))
    cameras: dict[int, set[int]] = defaultdict(set)
    for record in train:
        cameras[record.pid].add(record.camid)
    if 0 in images:
        message = f"{images[0]:,} training images have pid 0, which means nobody in particular; they are learned as one person"
        yield Finding("warning", "distractors-in-training", message)
    if len(set().union(*cameras.values())) > 1 and all(len(seen) == 1 for seen in cameras.values()):
        message = (
            "no training person was seen by two cameras: the model will learn to tell cameras apart rather than to see past a "
            "change of camera. Are people numbered anew for each camera?"
        )
        yield Finding("warning", "one-camera-each", message)
    if len(set().union(*cameras.values())) == 1:
        message = (
            "all training images have one camera: the model will not learn to see past a change of camera. Where there were "
            "several, write their numbers into names or table"
        )
        yield Finding("warning", "one-training-camera", message)


def _check_test(dataset: ReidDataset) -> Iterator[Finding]:
    query, gallery = one_per_tracklet(dataset.query), one_per_tracklet(dataset.gallery)
    if not query or not gallery:
        missing, there = ("query", "gallery") if not query else ("gallery", "query")
        yield Finding(
            "error", "one-sided-test", f"there are {there} images but no {missing} images: scoring takes both"
        )
        return
    known = {record.pid for record in gallery}
    if nobody := [record for record in query if record.pid == 0]:
        message = (
            f"{share(len(nobody), len(query))} queries have pid 0, which means nobody in particular: give them numbers"
        )
        yield Finding("warning", "distractors-as-queries", message, named([record.path for record in nobody]))
    absent = [record for record in query if record.pid not in known]
    if absent:
        people = sorted({record.pid for record in absent})
        severity: Severity = "error" if len(absent) == len(query) else "warning"
        what_to_do = (
            "are query and gallery numbered alike, and from the same dataset?"
            if severity == "error"
            else "they will be reported, not counted"
        )
        message = f"{share(len(absent), len(query))} queries show people who are not in the gallery; {what_to_do}"
        yield Finding(severity, "absent-people", message, named([f"pid {pid}" for pid in people]))
    images_of: dict[int, list[ImageRecord]] = defaultdict(list)
    for record in gallery:
        images_of[record.pid].append(record)
    present = [record for record in query if record.pid in known]
    unmatched = [record for record in present if not _can_match(record, images_of[record.pid], dataset.protocol)]
    if unmatched:
        severity = "error" if len(unmatched) == len(present) else "warning"
        yield Finding(
            severity, "no-match", _why(dataset, unmatched, query, gallery), named([r.path for r in unmatched])
        )
    if len(known - {0}) == 1:
        yield Finding("warning", "one-gallery-person", "the gallery shows one person: whatever is found is right")
    distractors = sum(record.pid == 0 for record in gallery)
    if distractors:
        yield Finding(
            "note", "distractors", f"{share(distractors, len(gallery))} gallery images are distractors, pid 0"
        )
    in_gallery: dict[Path, set[int]] = defaultdict(set)
    for record in gallery:
        in_gallery[record.path].add(record.camid)
    either = dataset.protocol == "all-cameras"
    twice = [r.path for r in query if r.path in in_gallery and (either or r.camid in in_gallery[r.path])]
    if twice:
        message = (
            f"{share(len(twice), len(query))} query images are in the gallery too; no query is scored on finding itself: the "
            f"{dataset.protocol} protocol leaves it out"
        )
        yield Finding("note", "query-in-gallery", message)


def _why(
    dataset: ReidDataset, unmatched: Sequence[ImageRecord], query: Sequence[ImageRecord], gallery: Sequence[ImageRecord]
) -> str:
    if dataset.protocol == "all-cameras":
        return f"{share(len(unmatched), len(query))} queries are the only gallery image of their person"
    of = share(len(unmatched), len(query))
    cameras = {record.camid for record in (*query, *gallery)}
    rule = f"the {dataset.protocol} protocol leaves out gallery images of the query's person from the query's camera"
    if len(cameras) == 1:
        return (
            f"all query and gallery images have one camera, and {rule}: nothing is left to be found. For data of one camera "
            "there is the protocol all-cameras (`evaluate --protocol`, `train --evaluation.protocol`); else write the cameras "
            "into names or table"
        )
    return f"{of} queries have their person in the gallery from their own camera only, and {rule}; they will not be counted"


def _can_match(query: ImageRecord, same_person: Sequence[ImageRecord], protocol: Protocol) -> bool:
    if protocol == "all-cameras":
        return any(record.path != query.path for record in same_person)
    return any(record.camid != query.camid for record in same_person)
