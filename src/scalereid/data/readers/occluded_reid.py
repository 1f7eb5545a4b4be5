"""Occluded-REID as its authors pack it: for testing only."""

from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, list_folders, list_images
from scalereid.data.records import ImageRecord, ReidDataset

_FOLDERS = ("occluded_body_images", "whole_body_images")
_PUBLISHED = {"query": {"people": 200, "images": 1_000}, "gallery": {"people": 200, "images": 1_000}}


def read_occluded_reid(root: Path) -> ReidDataset:
    """Occluded-REID (Zhuo et al., ICME 2018): 200 people, 5 occluded queries and 5 whole gallery images each; no training.

    `root` is the folder with `occluded_body_images` and `whole_body_images`, or one or two above it. The images come from
    mobile cameras: all have camera 1, and the protocol is `all-cameras`.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A person's folder is not a number, or a split does not have the published counts.
    """
    names = ("Occluded_REID", "occluded-reid/Occluded_REID", "occluded-reid", "OccludedREID")
    base = find_folder(root, "Occluded-REID", names, _FOLDERS)
    left_out: Counter[str] = Counter()
    query, gallery = (_read(base / folder, left_out) for folder in _FOLDERS)
    dataset = ReidDataset("occluded-reid", base, (), query, gallery, protocol="all-cameras", left_out=left_out)
    return check_counts(dataset, _PUBLISHED)


def _read(folder: Path, left_out: Counter[str]) -> tuple[ImageRecord, ...]:
    people = list_folders(folder)
    for person in people:
        if not person.name.isdecimal():
            raise ValueError(f"{person}: not a person's folder of Occluded-REID, which is a number, like 001")
    return tuple(ImageRecord(path, int(person.name), 1) for person in people for path in list_images(person, left_out))
