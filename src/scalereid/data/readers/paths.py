"""People and cameras that the paths of images tell, where no table lists them."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from scalereid.data.readers.cameras import camera_in, look_like_cameras, number_cameras
from scalereid.data.readers.market_names import MARKET_LIKE, SPLIT_NAMES
from scalereid.data.readers.person_folders import number_people

FoldersOf = Literal["people", "cameras"]


class PathLabels(NamedTuple):
    """What an image's path tells, −1 where it does not."""

    pid: int = -1
    camid: int = -1
    camera: str = ""
    """Name of the camera's folder, where the number was given to it."""


def read_paths(images: Sequence[str], root: str, folders: FoldersOf | None = None) -> list[PathLabels]:
    """What the paths of images below `root` tell; nothing is told where only some of them would.

    Names like Market-1501's (0042_c3_0001.jpg) tell person and camera, parts of names like c3 or cam02 the camera, and so do
    folders named like cam1 directly in `root`, or in its `train`, `query` and `gallery`. All other folders are those of
    people or of cameras only where `folders` says so; they are then numbered as by the readers `person-folders` and
    `camera-folders`.

    Raises:
        ValueError: `folders` is given and an image is not in such a folder.
    """
    names = [os.path.basename(image) for image in images]  # noqa: PTH119 - a million of them
    cameras = _all_told([camera_in(os.path.splitext(name)[0]) for name in names])  # noqa: PTH122
    if folders:
        inside = _folders(images, root)
        if "" in inside:
            raise ValueError(
                f"{images[inside.index('')]} is not in a folder of {root}, as expected where these are the folders of {folders}"
            )
        if folders == "people":
            people = number_people({*inside})
            return [PathLabels(people[own], camid) for own, camid in zip(inside, cameras, strict=True)]
        return _of_cameras(inside)
    matches = [MARKET_LIKE.fullmatch(name) for name in names]
    if all(matches):
        return [PathLabels(int(match["pid"]), int(match["camid"])) for match in matches if match]
    if -1 not in cameras:
        return [PathLabels(camid=camid) for camid in cameras]
    inside = _folders(images, root)
    return _of_cameras(inside) if look_like_cameras({*inside}) else [PathLabels()] * len(images)


def _all_told(cameras: list[int | None]) -> list[int]:
    """The camera of each image, −1 for all if one is missing."""
    told = [camera for camera in cameras if camera is not None]
    return told if len(told) == len(cameras) else [-1] * len(cameras)


def _of_cameras(folders: list[str]) -> list[PathLabels]:
    numbers = number_cameras({*folders})
    return [PathLabels(camid=numbers[folder], camera=folder) for folder in folders]


def _folders(images: Sequence[str], root: str) -> list[str]:
    """The folder in `root`, or in a split's folder there, in which each image is; empty for none."""

    @cache
    def named(folder: str) -> str:
        parts = Path(os.path.relpath(folder or ".", root or ".")).parts
        return next(iter(parts[1:] if parts and parts[0].lower() in SPLIT_NAMES else parts), "")

    return [named(os.path.dirname(image)) for image in images]  # noqa: PTH120
