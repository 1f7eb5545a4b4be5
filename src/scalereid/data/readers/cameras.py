"""Cameras in the names of files and folders, told apart from times and people."""

import re
from collections.abc import Iterable, Mapping

_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_DATE = rf"(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1{_DAY}"
_CLOCK = r"[T _-]?(?:[01]\d|2[0-3])[-_.:h]?[0-5]\d(?:[-_.:m]?[0-5]\d)?(?:[-_.]?\d{1,6})?"
_TIME = re.compile(rf"(?<!\d){_DATE}(?:{_CLOCK})?Z?(?!\d)")
NOT_A_DATE = rf"(?!(?:19|20)\d\d(?:0[1-9]|1[0-2]){_DAY}(?!\d))"
"""Before a number in a pattern: not of eight digits that are a date, such as 20260131."""

_IN_FILE_NAME = re.compile(r"(?:^|[_-])c(?:am(?:era)?)?(\d{1,4})(?=[^0-9a-z]|s\d|$)", re.IGNORECASE)
_CAMERA_FOLDER = re.compile(
    r"(?:ip[ _-]?)?(?:cam|camera|kamera|cámara|camara|caméra|cctv|webcam)[ _-]?(?:[a-z]|\d{1,4})?"
    r"|(?:c|ch|channel|view)[ _-]?\d{1,4}",
    re.IGNORECASE,
)
_PLACES = frozenset(
    re.findall(
        r"\w+",
        """
        attic balcony basement bathroom bedroom cafeteria canteen cellar corridor courtyard door doorway driveway east elevator
        entrance entry escalator exit floor foyer front garage garden gate gym hall hallway indoor indoors kitchen lift
        livingroom lobby lounge north office outdoor outdoors outside parking patio platform porch reception room shop south
        staircase stairs stairwell station store street terrace toilet warehouse west yard
        aufzug bad balkon büro diele eingang einfahrt flur garten haustür hof keller küche straße treppe tür wohnzimmer zimmer
        bureau couloir cour cuisine entrée escalier jardin rue salon
        cocina entrada escalera jardín oficina pasillo puerta sala salida
        """,
    )
)


def without_times(name: str) -> str:
    """A name with `_` in place of dates with or without a time of day, which are neither cameras nor people.

    >>> without_times("cam2_20260131_120000"), without_times("2026-01-31T12-00-00")
    ('cam2__', '_')
    """
    return _TIME.sub("_", name)


def camera_in(stem: str) -> int | None:
    """The camera in a file's name without suffix: the number in a part of it like c2 or cam02; None for none.

    >>> camera_in("0001_c2s1_00"), camera_in("x-cam02"), camera_in("c20260131_120000")
    (2, 2, None)
    """
    match = _IN_FILE_NAME.search(without_times(stem))
    return int(match[1]) if match else None


def is_time(folder: str) -> bool:
    """Whether a folder's name is a date, or a time with its date."""
    return not without_times(folder).strip(" _-.")


def look_like_cameras(folders: Iterable[str]) -> bool:
    """Whether all names are like cam1, camera_b or ch02; False for no names."""
    names = [_camera_name(folder) for folder in folders]
    return bool(names) and all(_CAMERA_FOLDER.fullmatch(name) for name in names)


def look_like_places(folders: Iterable[str]) -> bool:
    """Whether at least half of the names contain a word like kitchen or entrance; False for no names."""
    words = [set(re.findall(r"[^\W\d_]+", folder.lower())) for folder in folders]
    return bool(words) and 2 * sum(bool(own & _PLACES) for own in words) >= len(words)


def number_cameras(folders: Iterable[str]) -> dict[str, int]:
    """Numbers of cameras by the names of their folders: those that all names end in, else from 1 in the order of the names.

    Folders whose names differ by a time only have the same camera.

    >>> number_cameras(["hall", "kitchen"]), number_cameras(["cam02", "cam10_20260131", "cam10_20260201"])
    ({'hall': 1, 'kitchen': 2}, {'cam02': 2, 'cam10_20260131': 10, 'cam10_20260201': 10})
    """
    names = {folder: _camera_name(folder) for folder in sorted(folders)}
    distinct = sorted({*names.values()})
    endings = [re.search(r"(?<!\d)\d{1,4}$", name) for name in distinct]
    numbers = [int(ending[0]) for ending in endings if ending]
    if len({*numbers}) < len(distinct):
        numbers = [*range(1, len(distinct) + 1)]
    of_name = dict(zip(distinct, numbers, strict=True))
    return {folder: of_name[name] for folder, name in names.items()}


def is_numbered(folder: str, number: int) -> bool:
    """Whether a camera's number is the one that the name of its folder ends in, rather than its place in an order of names.

    >>> is_numbered("cam02_20260131", 2), is_numbered("hall", 1)
    (True, False)
    """
    return re.search(rf"(?<!\d)0*{number}$", _camera_name(folder)) is not None


def in_words(cameras: Mapping[str, int]) -> str:
    """Which camera has which number.

    >>> in_words({"hall": 1, "kitchen": 2})
    'hall 1, kitchen 2'
    """
    return ", ".join(f"{name} {number}" for name, number in cameras.items())


def _camera_name(folder: str) -> str:
    return without_times(folder).strip(" _-.") or folder
