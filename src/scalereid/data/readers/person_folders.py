"""Your own data as one folder per person."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

from scalereid.data.protocols import Protocol
from scalereid.data.readers.cameras import camera_in, is_time, look_like_cameras, look_like_places
from scalereid.data.readers.folders import NotHereError, list_folders, list_images, without_junk
from scalereid.data.readers.market_names import MARKET_LIKE, find_split_folders
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.wording import counted

_MOST_CAMERAS = 100  # more folders are people's, unless their names are times
_FEW = 10  # folders that may be cameras' by the number of images in them, or a word in their names
_MANY = 100  # images in such a folder

Folders = dict[str, list[Path]]


class PeopleOrCamerasError(ValueError):
    """Folders may be people's or cameras', and whoever has them must say which."""


def read_folders(root: Path) -> ReidDataset:
    """Your own data as one folder of images per person: train/ANNA/x_c2.jpg, query/BEN/…; asks where they may be cameras'.

    As `read_person_folders`, but raises an error that asks "people or cameras?" where folders are named like times; where at
    most 100 are named like cameras (cam1); or where at most 10 are named like places, or have a median of at least 100 images.
    It never asks where images in one folder are named after different cameras. `person-folders` and `camera-folders` are the
    answers. Images in a folder that are named after several people are an error, too, which `person-folders` answers where
    such numbers count images (anna/0001_c2.jpg).

    Raises:
        PeopleOrCamerasError: It has to be asked; a ValueError.
        FileNotFoundError: As `read_person_folders` raises.
        ValueError: The images in a folder are named after several people; or as `read_person_folders` raises.
    """
    splits, left_out = _find(root)
    folders = _together(splits)
    _ask(root, folders)
    _refuse_mixed(folders)
    return _dataset(root, splits, left_out)


def read_person_folders(root: Path) -> ReidDataset:
    """Your own data as one folder of images per person, as `folders`, and never asks whether the folders are cameras'.

    `root` contains the folders `train` (or `bounding_box_train`), `query` (`probe`) and `gallery` (`bounding_box_test`,
    `test`), some of which may be missing; or the people's folders themselves, which are then all for training
    (`with_query_and_gallery` moves some people to testing). Where all folders' names are numbers they are the pids (−1 junk,
    which is dropped, 0 distractors), else people are numbered from 1 in the order of their names.

    The camera is read from a part of the file name like c2 or cam02. Where no name has one, all images have camera 1, and the
    protocol is `all-cameras`.

    Raises:
        FileNotFoundError: `root` contains no folders of people.
        ValueError: Only some of the names tell the camera, or two folders have the same number.
    """
    return _dataset(root, *_find(root))


def split_folders(root: Path) -> dict[str, Path]:
    """The folders of the splits in `root`, or `root` itself for training.

    Raises:
        FileNotFoundError, ValueError: As `find_split_folders` raises.
    """
    return {split: folder for split, folder in find_split_folders(root).items() if folder} or {"train": root}


def number_people(people: set[str]) -> dict[str, int]:
    """Pids by the names of folders: the names themselves where all are numbers, else from 1 in the order of the names.

    Raises:
        ValueError: Two names are the same number.
    """
    if not all(re.fullmatch(r"-1|\d+", name) for name in people):
        return {name: number for number, name in enumerate(sorted(people), start=1)}
    names: dict[int, str] = {}
    for name in sorted(people):
        if (other := names.setdefault(int(name), name)) != name:
            raise ValueError(
                f"the folders {other} and {name} would be one person, number {int(name)}; if they are, give them one name, "
                "else other numbers"
            )
    return {name: number for number, name in names.items()}


def _find(root: Path) -> tuple[dict[str, Folders], Counter[str]]:
    """The images of each folder of each split, and what is left out."""
    left_out: Counter[str] = Counter()
    roots = split_folders(root)
    splits = {
        split: {person.name: list_images(person, left_out) for person in list_folders(folder)}
        for split, folder in roots.items()
    }
    if not any(_together(splits).values()):
        looked = ", ".join(str(folder) for folder in roots.values())
        raise NotHereError(f"no folders of people with images in {looked}")
    for folder in roots.values():
        if beside := len(list_images(folder, Counter())):
            left_out[f"images beside the folders of people in {folder.name}"] += beside
    return splits, left_out


def _together(splits: dict[str, Folders]) -> Folders:
    """The images of each folder that has any, from all splits."""
    images: Folders = defaultdict(list)
    for folders in splits.values():
        for name, files in folders.items():
            if files:
                images[name] += files
    return images


def _ask(root: Path, folders: Folders) -> None:
    """Raise an error if the folders may be cameras' rather than people's."""
    names, size = sorted(folders), round(median(len(files) for files in folders.values()))
    few = len(names) <= _FEW
    if len(names) <= _MOST_CAMERAS and look_like_cameras(names):
        why = "named like cameras"
    elif all(map(is_time, names)):
        why = "named like dates or times"
    elif few and look_like_places(names):
        why = "named like places"
    elif few and size >= _MANY:
        why = f"with {size:,} images each (the median)"
    else:
        return
    if any(len({camera_in(file.stem) for file in files} - {None}) > 1 for files in folders.values()):
        return  # a camera's folder has the images of one camera
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    raise PeopleOrCamerasError(
        f"{root} contains {counted(len(names), 'folder')} {why}, {some}: people or cameras? Name the dataset "
        "person-folders if each folder shows one person, camera-folders if each is of one camera"
    )


def _dataset(root: Path, splits: dict[str, Folders], left_out: Counter[str]) -> ReidDataset:
    folders = _together(splits)
    people = number_people({*folders})
    cameras = _cameras([file for files in folders.values() for file in files])
    train, query, gallery = (
        without_junk(
            [
                ImageRecord(file, people[person], cameras.get(file, 1))
                for person, files in splits.get(split, {}).items()
                for file in files
            ],
            f"junk (pid −1) in {split}",
            left_out,
        )
        for split in ("train", "query", "gallery")
    )
    protocol: Protocol = "market1501" if cameras else "all-cameras"
    return ReidDataset(root.absolute().name, root, train, query, gallery, protocol, left_out)


def _refuse_mixed(folders: Folders) -> None:
    """Raise an error if a folder contains several people."""
    pids = {
        folder: {m["pid"] for file in files if (m := MARKET_LIKE.fullmatch(file.name))}
        for folder, files in folders.items()
    }
    if mixed := sorted(folder for folder, people in pids.items() if len(people) > 1):
        raise ValueError(
            f"the images in {mixed[0]} are named after several people, {', '.join(sorted(pids[mixed[0]])[:3])} among them: "
            "it may be a level too high, or a camera's folder. If each folder shows one person, and such numbers count images, "
            "name the dataset person-folders"
        )


def _cameras(files: list[Path]) -> dict[Path, int]:
    """The camera of every file, or of none."""
    found = {file: camera for file in files if (camera := camera_in(file.stem)) is not None}
    without = [file for file in files if file not in found]
    if found and without:
        raise ValueError(
            f"{len(found)} names tell the camera and {len(without)} do not, such as {without[0]}; name all files like "
            f"{next(iter(found)).name}, or none"
        )
    return found
