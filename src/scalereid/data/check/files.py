"""Checks of the image files: missing, empty, damaged, not the shape of a person, the same image twice."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from scalereid.data.check.findings import Finding, named, share
from scalereid.data.images import Advance, Threads, open_image, orientation, require_file
from scalereid.data.packed import packed_image
from scalereid.data.protocols import Protocol
from scalereid.data.readers.folders import is_image, walk
from scalereid.data.records import ImageRecord, ReidDataset, is_left_out
from scalereid.data.shapes import MIN_SIZE, ask_for_crops, is_odd, is_tiny
from scalereid.wording import counted

_MISLEADING = {
    "train-test-copies": "both in training and in query or gallery: the score says nothing about unseen people",
    "copies-as-several-people": "listed under the numbers of several people, of which at most one can be right",
    "query-copies": "queried, with a copy in the gallery that is not left out: a match without effort",
}
_MAX_FOLDERS = 100_000  # below the dataset's
_AHEAD = 1_000  # files under way at a time


class FileFacts(NamedTuple):
    """Contents and size of one file."""

    problem: str = ""
    """Why the file cannot be used; empty if it can."""
    digest: bytes = b""
    height: int = 0
    width: int = 0


def check_files(dataset: ReidDataset, *, decode: bool, advance: Advance = lambda _: None) -> list[Finding]:
    """What is wrong with a dataset's files. Every file is read and its header decoded; with `decode` its pixels too."""
    of_path: dict[Path, list[tuple[str, ImageRecord]]] = defaultdict(list)
    for split, records in dataset.splits.items():
        for record in records:
            of_path[record.path].append((split, record))
    facts: dict[Path, FileFacts] = {}
    remaining = iter(of_path)
    with Threads(os.cpu_count()) as pool:
        while some_paths := list(islice(remaining, _AHEAD)):
            looked = pool.map(lambda path: look(path, decode=decode), some_paths)
            for path, found in zip(some_paths, looked, strict=True):
                facts[path] = found
                advance(1)
    return [*_findings(facts), *_copies(facts, of_path, dataset.protocol), *_unread(dataset, set(of_path))]


def look(path: Path, *, decode: bool) -> FileFacts:
    """Read a file, its header and, with `decode`, its pixels."""
    try:
        packed = packed_image(path)
        if packed is None:
            require_file(path)
        content = packed.getvalue() if packed else path.read_bytes()
    except OSError as error:
        return FileFacts(f"{path}: {error.strerror or error}")
    except ValueError as error:
        return FileFacts(f"{path}: {error}")
    if not content:
        return FileFacts(f"{path} is empty: it has no bytes")
    digest = hashlib.blake2b(content, digest_size=16).digest()
    try:
        with open_image(BytesIO(content), path) as image:
            width, height = image.size if orientation(image) < 5 else image.size[::-1]
            if decode:
                image.load()
    except ValueError as error:
        return FileFacts(str(error), digest)
    return FileFacts("", digest, height, width)


def _findings(facts: dict[Path, FileFacts]) -> Iterator[Finding]:
    """Files that cannot be used, and images that are too small or of another shape."""
    if problems := [found.problem for found in facts.values() if found.problem]:
        unusable = share(len(problems), len(facts))
        message = f"{unusable} files cannot be used; replace such files, or take them out of the dataset"
        yield Finding("error", "unusable-files", message, named(problems))
    images = {path: found for path, found in facts.items() if not found.problem}
    if tiny := [path for path, (_, _, h, w) in images.items() if is_tiny(h, w)]:
        message = (
            f"{share(len(tiny), len(images))} images are less than {MIN_SIZE[0]} pixels tall or {MIN_SIZE[1]} wide; they "
            "are enlarged, but show hardly anything"
        )
        yield Finding("warning", "tiny-images", message, _sized(tiny, images))
    if odd := [path for path, (_, _, h, w) in images.items() if is_odd(h, w)]:
        yield Finding("warning", "odd-shapes", ask_for_crops(len(odd), len(images)), _sized(odd, images))


def _sized(paths: Iterable[Path], facts: dict[Path, FileFacts]) -> tuple[str, ...]:
    return tuple(f"{path} ({facts[path].width}×{facts[path].height} pixels, width×height)" for path in paths)


def _copies(
    facts: dict[Path, FileFacts], of_path: dict[Path, list[tuple[str, ImageRecord]]], protocol: Protocol
) -> Iterator[Finding]:
    """The same bytes under several names."""
    same: dict[bytes, list[Path]] = defaultdict(list)
    for path, found in facts.items():
        if found.digest:
            same[found.digest].append(path)
    copies = [paths for paths in same.values() if len(paths) > 1]
    listed_twice = [[path] for path, uses in of_path.items() if len(uses) > 1]
    if repeated := [path for [path] in listed_twice if len({split for split, _ in of_path[path]}) < len(of_path[path])]:
        message = (
            f"{counted(len(repeated), 'image')} more than once in one split, each time counted in training or scores; let the "
            "reader list each image once in a split"
        )
        yield Finding("error", "repeated-images", message, named(repeated))
    misleading: dict[str, list[str]] = defaultdict(list)
    for paths in copies + listed_twice:
        for kind in _misleading([use for path in paths for use in of_path[path]], protocol):
            misleading[kind].append(" = ".join(map(str, paths)))
    for kind, lines in misleading.items():
        yield Finding("warning", kind, f"{counted(len(lines), 'image')} {_MISLEADING[kind]}", named(lines))
    if copies:
        number = sum(len(paths) - 1 for paths in copies)
        yield Finding("note", "copies", f"{counted(number, 'file')} copied, byte for byte, from others in the dataset")


def _misleading(uses: Sequence[tuple[str, ImageRecord]], protocol: Protocol) -> Iterator[str]:
    """The ways in which the uses of one image spoil training or scores."""
    splits = {split for split, _ in uses}
    if "train" in splits and len(splits) > 1:
        yield "train-test-copies"
    if len({record.pid for _, record in uses}) > 1:
        yield "copies-as-several-people"
    elif any(not is_left_out(protocol, q, g) for s, q in uses if s == "query" for t, g in uses if t == "gallery"):
        yield "query-copies"


def _unread(dataset: ReidDataset, paths: set[Path]) -> Iterator[Finding]:
    """Folders with images of which none is in the dataset; readers count what is left out of the others."""
    read = {os.path.normpath(path.parent) for path in paths}
    unread: dict[str, int] = {}
    for folder, names in islice(walk(dataset.root), _MAX_FOLDERS):
        images = sum(map(is_image, names))
        if images and os.path.normpath(folder) not in read:
            unread[folder] = images
    if unread:
        message = f"{counted(sum(unread.values()), 'image')} in folders from which no image is in the dataset"
        lines = [f"{folder}: {number:,}" for folder, number in sorted(unread.items())]
        yield Finding("note", "unread-folders", message, named(lines))
