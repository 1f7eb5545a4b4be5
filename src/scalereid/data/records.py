"""What a dataset is: records of images, in three splits, with counts and a fingerprint."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image file, the person it shows and the camera that took it, numbered as in the dataset."""

    path: Path
    pid: int
    camid: int


class Counts(NamedTuple):
    """How much a split holds."""

    people: int
    images: int
    cameras: int


class PeopleAndCameras(TypedDict):
    """What `score` and `rank` need to know beside the embeddings."""

    query_pids: NDArray[np.int64]
    gallery_pids: NDArray[np.int64]
    query_camids: NDArray[np.int64]
    gallery_camids: NDArray[np.int64]


@dataclass(frozen=True)
class ReidDataset:
    """Training, query and gallery records, the folder they lie under, and the protocol their scores follow."""

    name: str
    root: Path
    train: tuple[ImageRecord, ...]
    query: tuple[ImageRecord, ...]
    gallery: tuple[ImageRecord, ...]
    protocol: Literal["market1501"] = "market1501"

    @property
    def splits(self) -> dict[str, tuple[ImageRecord, ...]]:
        """The three splits by name."""
        return {"train": self.train, "query": self.query, "gallery": self.gallery}

    def counts(self) -> dict[str, Counts]:
        """People, images and cameras of every split."""
        return {split: count(records) for split, records in self.splits.items()}

    def people_and_cameras(self) -> PeopleAndCameras:
        """The people and cameras of the test side: `score(query, gallery, **dataset.people_and_cameras())`."""
        query_pids, query_camids = pids_and_camids(self.query)
        gallery_pids, gallery_camids = pids_and_camids(self.gallery)
        return PeopleAndCameras(
            query_pids=query_pids, gallery_pids=gallery_pids, query_camids=query_camids, gallery_camids=gallery_camids
        )

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when a file name, a file's size, a person, a camera or a split does.

        Contents are not hashed, only sizes: that takes a second for 100,000 images, and still tells versions of a dataset
        apart that were encoded anew. An edit that keeps a file's size goes unnoticed.
        """
        digest = hashlib.sha256()
        for split, records in self.splits.items():
            for record in records:
                inside = record.path.is_relative_to(self.root)
                name = (record.path.relative_to(self.root) if inside else record.path).as_posix()
                digest.update(f"{split}\t{name}\t{record.pid}\t{record.camid}\t{record.path.stat().st_size}\n".encode())
        return digest.hexdigest()[:12]


def count(records: Sequence[ImageRecord]) -> Counts:
    """People, images and cameras among `records`."""
    return Counts(len({r.pid for r in records}), len(records), len({r.camid for r in records}))


def labels(records: Sequence[ImageRecord]) -> NDArray[np.int64]:
    """A class number 0 … C−1 for every record: the rank of its pid among all pids in `records`."""
    pids = np.array([record.pid for record in records], dtype=np.int64)
    return np.unique(pids, return_inverse=True)[1].astype(np.int64)


def pids_and_camids(records: Sequence[ImageRecord]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The people and the cameras of `records`, as two arrays."""
    return (
        np.array([record.pid for record in records], dtype=np.int64),
        np.array([record.camid for record in records], dtype=np.int64),
    )


def check_counts(dataset: str, expected: dict[str, Counts], found: dict[str, Counts]) -> None:
    """Compare what was read with what was published.

    Raises:
        ValueError: a split differs; the message names the split and both counts.
    """
    for split, wanted in expected.items():
        if found[split] != wanted:
            raise ValueError(
                f"{dataset} {split}: {found[split].images} images of {found[split].people} people from "
                f"{found[split].cameras} cameras, but the dataset has {wanted.images} images of {wanted.people} people "
                f"from {wanted.cameras} cameras. Unpack it again, or read your copy as a table: --dataset csv"
            )
