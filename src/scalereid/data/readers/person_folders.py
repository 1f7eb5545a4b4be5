"""Your own data as one folder per person."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.protocols import Protocol
from scalereid.data.readers.folders import NotHereError, list_folders, list_images, without_junk
from scalereid.data.readers.market_names import MARKET_LIKE, find_split_folders
from scalereid.data.records import ImageRecord, ReidDataset

_CAMERA_FOLDER = re.compile(r"cam(era)?[ _-]?\w?\d*", re.IGNORECASE)
_CAMERA = re.compile(r"(?:^|[_-])c(?:am)?(\d+)(?=[^0-9a-z]|s\d|$)", re.IGNORECASE)


def read_person_folders(root: Path) -> ReidDataset:
    """Your own data as one folder of images per person: train/ANNA/x_c2.jpg, query/BEN/…, gallery/BEN/….

    `root` contains the folders `train` (or `bounding_box_train`), `query` (`probe`) and `gallery` (`bounding_box_test`,
    `test`), some of which may be missing; or the people's folders themselves, which are then all for training
    (`with_query_and_gallery` moves some people to testing). Where all folders' names are numbers they are the pids (−1 junk,
    which is dropped, 0 distractors), else people are numbered from 1 in the order of their names.

    The camera is read from a part of the file name like c2 or cam02. Where no name has one, all images have camera 1, and the
    protocol is `all-cameras`.

    Raises:
        FileNotFoundError: `root` contains no folders of people.
        ValueError: Only some of the names tell the camera, or the names of folders or images show that the folders are
            cameras' rather than people's.
    """
    left_out: Counter[str] = Counter()
    roots = {split: folder for split, folder in find_split_folders(root).items() if folder} or {"train": root}
    files = {
        split: [(person.name, path) for person in list_folders(folder) for path in list_images(person, left_out)]
        for split, folder in roots.items()
    }
    everything = [item for images in files.values() for item in images]
    if not everything:
        looked = ", ".join(str(folder) for folder in roots.values())
        raise NotHereError(f"no folders of people with images in {looked}")
    for folder in roots.values():
        if beside := len(list_images(folder, Counter())):
            left_out[f"images beside the folders of people in {folder.name}"] += beside
    _refuse_cameras(everything)
    people = _numbered({person for person, _ in everything})
    cameras = _cameras([path for _, path in everything])
    train, query, gallery = (
        without_junk(
            [ImageRecord(path, people[person], cameras.get(path, 1)) for person, path in files.get(split, [])],
            f"junk (pid −1) in {split}",
            left_out,
        )
        for split in ("train", "query", "gallery")
    )
    protocol: Protocol = "market1501" if cameras else "all-cameras"
    return ReidDataset(root.absolute().name, root, train, query, gallery, protocol, left_out)


def _refuse_cameras(items: list[tuple[str, Path]]) -> None:
    """Raise an error if a folder contains several people."""
    folders = {folder for folder, _ in items}
    if all(_CAMERA_FOLDER.fullmatch(folder) for folder in folders):
        raise ValueError(
            f"the folders are named {', '.join(sorted(folders)[:3])}: cameras, not people. Put the images of all "
            "cameras together, with names like 0042_c3_0001.jpg, or list them in a table, dataset.csv"
        )
    pids: dict[str, set[str]] = {}
    for folder, path in items:
        if match := MARKET_LIKE.fullmatch(path.name):
            pids.setdefault(folder, set()).add(match["pid"])
    if mixed := sorted(folder for folder, people in pids.items() if len(people) > 1):
        raise ValueError(
            f"the images in {mixed[0]} are named after several people, {', '.join(sorted(pids[mixed[0]])[:3])} among them, "
            "so it is not a person's folder. It may be a level too high, or a camera's folder"
        )


def _numbered(people: set[str]) -> dict[str, int]:
    if all(re.fullmatch(r"-1|\d+", name) for name in people):
        return {name: int(name) for name in people}
    return {name: number for number, name in enumerate(sorted(people), start=1)}


def _cameras(files: list[Path]) -> dict[Path, int]:
    """The camera of every file, or of none."""
    found = {path: int(match[1]) for path in files if (match := _CAMERA.search(path.stem))}
    without = [path for path in files if path not in found]
    if found and without:
        raise ValueError(
            f"{len(found)} names tell the camera and {len(without)} do not, such as {without[0]}; name all files like "
            f"{next(iter(found)).name}, or none"
        )
    return found
