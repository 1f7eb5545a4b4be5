"""A dataset: records of images in three splits, with counts and a fingerprint."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as shortened
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from scalereid.data.packed import packed_size
from scalereid.data.protocols import Protocol, leaves_out

JUNK = -1
"""The pid of an image of no person, or of a person cut off: neither right nor wrong, so left out of every ranking."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image file, the person it shows and the camera that took it, numbered as in the dataset."""

    path: Path
    pid: int
    camid: int
    tracklet: int | None = None
    """Images of a person and camera with the same number are one walk past it, found as one; None for a single image."""


class Counts(NamedTuple):
    """Number of people, images, cameras and tracklets in a split."""

    people: int
    images: int
    cameras: int
    tracklets: int = 0


class PeopleAndCameras(TypedDict):
    """The labels that `scalereid.score` and `scalereid.rank` take beside the embeddings."""

    query_pids: NDArray[np.int64]
    gallery_pids: NDArray[np.int64]
    query_camids: NDArray[np.int64]
    gallery_camids: NDArray[np.int64]
    query_images: NDArray[np.int64]
    gallery_images: NDArray[np.int64]


@dataclass(frozen=True)
class ReidDataset:
    """Training, query and gallery records, the folder they lie under, and the protocol their scores follow."""

    name: str
    root: Path
    train: tuple[ImageRecord, ...]
    query: tuple[ImageRecord, ...]
    gallery: tuple[ImageRecord, ...]
    protocol: Protocol = "market1501"
    left_out: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Number of files in its folders that are in no split, by reason."""
    cameras: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Camids by the names of cameras, where they have names."""
    classes: tuple[str, ...] = ()
    """Of a dataset for classification: names of the classes, whose numbers from 0 on are the pids. Its test images are the
    gallery, and it has no queries."""

    def __post_init__(self) -> None:
        """Raise a ValueError that names an image whose path is not a Path, or whose numbers are not of 64 bits."""
        for record in (*self.train, *self.query, *self.gallery):
            if not isinstance(record.path, Path):
                raise ValueError(f"{record.path}: path is a {type(record.path).__name__}; it must be a pathlib.Path")
            for name in ("pid", "camid", "tracklet"):
                number = getattr(record, name)
                if not fits_64_bits(number) and not (number is None and name == "tracklet"):
                    raise ValueError(
                        f"{record.path}: {name} is {shortened(number)}; it must be a whole number that fits into 64 bits"
                    )

    def __repr__(self) -> str:
        images = ", ".join(f"{len(records):,} {split}" for split, records in self.splits.items())
        return f"<ReidDataset {self.name} in {self.root}: {images} images>"

    @property
    def splits(self) -> dict[str, tuple[ImageRecord, ...]]:
        """The three splits by name."""
        return {"train": self.train, "query": self.query, "gallery": self.gallery}

    def counts(self) -> dict[str, Counts]:
        """People, images, cameras and tracklets of every split."""
        return {split: count(records) for split, records in self.splits.items()}

    def people_and_cameras(self) -> PeopleAndCameras:
        """Labels of query and gallery: `scalereid.score(query, gallery, **dataset.people_and_cameras())`.

        One entry per tracklet, as there is one embedding.
        """
        query, gallery = one_per_tracklet(self.query), one_per_tracklet(self.gallery)
        ids = {path: i for i, path in enumerate(dict.fromkeys(r.path for r in (*query, *gallery)))}
        return PeopleAndCameras(
            query_pids=_integers(r.pid for r in query),
            gallery_pids=_integers(r.pid for r in gallery),
            query_camids=_integers(r.camid for r in query),
            gallery_camids=_integers(r.camid for r in gallery),
            query_images=_integers(ids[r.path] for r in query),
            gallery_images=_integers(ids[r.path] for r in gallery),
        )

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when a file name, a file's size, a person, a camera or a split does.

        They do not depend on where the dataset lies, nor on whether that was given as a relative path. Contents are not hashed,
        only sizes: that takes a second for 100,000 images, and still tells versions of a dataset apart that were encoded anew.
        An edit that keeps a file's size goes unnoticed.

        Raises:
            FileNotFoundError: A file does not exist.
        """
        digest, root = hashlib.sha256(), self.root.absolute()
        for split, records in self.splits.items():
            for record in records:
                path = record.path.absolute()
                name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
                tracklet = "" if record.tracklet is None else f"\t{record.tracklet}"
                line = f"\t{record.pid}\t{record.camid}\t{packed_size(record.path)}{tracklet}\n"
                digest.update(f"{split}\t".encode() + os.fsencode(name) + line.encode())
        return digest.hexdigest()[:12]


def fits_64_bits(number: object) -> bool:
    """Whether it is a whole number from −2⁶³ to 2⁶³ − 1."""
    return isinstance(number, int | np.integer) and not isinstance(number, bool) and -(2**63) <= int(number) < 2**63


def count(records: Sequence[ImageRecord]) -> Counts:
    """People, images, cameras and tracklets among `records`."""
    tracklets = {(r.pid, r.camid, r.tracklet) for r in records if r.tracklet is not None}
    return Counts(len({r.pid for r in records}), len(records), len({r.camid for r in records}), len(tracklets))


def is_left_out(protocol: Protocol, query: ImageRecord, gallery: ImageRecord) -> bool:
    """Whether the protocol leaves `gallery` out of the ranking of `query`."""
    same_person, same_camera = query.pid == gallery.pid, query.camid == gallery.camid
    same_image = query.path == gallery.path
    return leaves_out(protocol, same_person=same_person, same_camera=same_camera, same_image=same_image)


def labels(records: Sequence[ImageRecord]) -> NDArray[np.int64]:
    """A class number 0 … C−1 for every record: the rank of its pid among all pids in `records`."""
    return np.unique(pids_and_camids(records)[0], return_inverse=True)[1].astype(np.int64)


def pids_and_camids(records: Sequence[ImageRecord]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pids (n,) and the camids (n,) of `records`."""
    return _integers(record.pid for record in records), _integers(record.camid for record in records)


def tracklet_of(records: Sequence[ImageRecord]) -> NDArray[np.int64]:
    """The tracklet (n,) of every record, numbered from 0 in order of appearance; a record without one is its own."""
    numbers: dict[tuple[int, ...], int] = {}
    keys = ((i,) if r.tracklet is None else (r.pid, r.camid, r.tracklet) for i, r in enumerate(records))
    return _integers(numbers.setdefault(key, len(numbers)) for key in keys)


def one_per_tracklet(records: Sequence[ImageRecord]) -> tuple[ImageRecord, ...]:
    """The first image of every tracklet, and every image without one: one record for each embedding."""
    first = np.unique(tracklet_of(records), return_index=True)[1]
    return tuple(records[i] for i in first)


def _integers(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, dtype=np.int64)
