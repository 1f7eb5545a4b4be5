"""Your own data as one folder per camera, with one folder per person within."""

from collections import Counter
from pathlib import Path

from scalereid.data.protocols import Protocol
from scalereid.data.readers.cameras import in_words, is_time, look_like_cameras, number_cameras
from scalereid.data.readers.folders import NotHereError, list_folders, list_images, without_junk
from scalereid.data.readers.market_names import SPLIT_NAMES
from scalereid.data.readers.person_folders import number_people, split_folders
from scalereid.data.records import ImageRecord, ReidDataset


def read_camera_folders(root: Path) -> ReidDataset:
    """Your own data as one folder per camera, with one folder per person within: KITCHEN/ANNA/x.jpg, HALL/ANNA/y.jpg.

    `root` contains the cameras' folders, or folders `train`, `query` and `gallery` with them, as for `folders`. A person has
    the same name in all cameras' folders. Cameras have the numbers that all names end in (cam1, cam02), else they are numbered
    from 1 in the order of their names; people are numbered as for `folders`. The protocol is `all-cameras` where there is one
    camera.

    Raises:
        FileNotFoundError: `root` contains no folders of cameras.
        ValueError: No people are known, because images lie in the cameras' folders themselves or in folders named after times;
            or the folders within are cameras'.
    """
    left_out: Counter[str] = Counter()
    roots = split_folders(root)
    cameras = {split: list_folders(folder) for split, folder in roots.items()}
    people = {camera: list_folders(camera) for folders in cameras.values() for camera in folders}
    if within := SPLIT_NAMES & {folder.name.lower() for folders in people.values() for folder in folders}:
        raise NotHereError(f"{root} contains folders with {', '.join(sorted(within))} within; name one of them")
    images = {person: list_images(person, left_out) for folders in people.values() for person in folders}
    numbers = number_cameras(
        {camera.name for camera, folders in people.items() if any(images[person] for person in folders)}
    )
    beside = {camera: len(list_images(camera, Counter())) for camera in people}
    if not numbers:
        _refuse_nameless(root, {camera.name: number for camera, number in beside.items() if number})
    _refuse_others({person.name for person, files in images.items() if files})
    for camera, number in beside.items():
        if number:
            left_out[f"images beside the folders of people in {camera.name}"] += number
    pids = number_people({person.name for person, files in images.items() if files})
    train, query, gallery = (
        without_junk(
            [
                ImageRecord(file, pids[person.name], numbers[camera.name])
                for camera in cameras.get(split, [])
                for person in people[camera]
                for file in images[person]
            ],
            f"junk (pid −1) in {split}",
            left_out,
        )
        for split in ("train", "query", "gallery")
    )
    protocol: Protocol = "market1501" if len({*numbers.values()}) > 1 else "all-cameras"
    return ReidDataset(root.absolute().name, root, train, query, gallery, protocol, left_out, numbers)


def _refuse_nameless(root: Path, images: dict[str, int]) -> None:
    """Raise the error for cameras' folders without people's."""
    if not images:
        raise NotHereError(f"no folders of cameras with folders of people in {root}")
    raise ValueError(
        f"{root} contains {sum(images.values()):,} images in folders of cameras ({in_words(number_cameras(images))}) without "
        "folders of people within: no people are known, so that nothing can be trained or scored. Such images can be embedded "
        "and searched. To train or score, put each person's images into a folder within each camera's, such as kitchen/anna"
    )


def _refuse_others(people: set[str]) -> None:
    """Raise an error if the folders within those of cameras are not people's."""
    some = ", ".join(sorted(people)[:3])
    if look_like_cameras(people):
        raise ValueError(
            f"the folders within are named {some}: cameras within people, where people within cameras are expected, such as "
            "cam1/anna. Turn them round, or list the images in a table, dataset.csv"
        )
    if all(map(is_time, people)):
        raise ValueError(
            f"the folders within those of cameras are named {some}: dates or times, not people, so that no people are known. "
            "Such images can be embedded and searched; to train or score, sort them by person"
        )
