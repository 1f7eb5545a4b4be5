"""Pictures of a search in which there is more than the person: a part is searched."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from PIL import Image
from tyro.conf import arg

from scalereid.cli.errors import UsageError
from scalereid.cli.options import otherwise

if TYPE_CHECKING:
    from scalereid.detection.detector import Detection, Detector

Box = tuple[float, float, float, float]
BoxOption = Annotated[
    Box | None,
    otherwise("the whole picture"),
    arg(metavar="X X X X", help="Left, top, right and bottom of the person in the one picture, in pixels."),
]


def parts(files: Sequence[str], box: Box | None, detector: "Detector | None") -> list[str | Image.Image]:
    """What is searched of pictures: the person in a box, the one person that a detector finds on each, or all of them.

    Raises:
        UsageError: There are a box and several pictures, or a detector.
        ValueError: A picture cannot be read, or shows nobody or several people; the message has their boxes.
    """
    if box and (detector or len(files) != 1):
        raise UsageError("--box is of one picture, without --detector")
    if box:
        return [_cut(files[0], box)]
    return [_cut(file, _only(file, detector.people(file)).box) for file in files] if detector else [*files]


def _cut(file: str, box: Box) -> Image.Image:
    from scalereid.inference.pixels import cut_boxes

    (part,) = cut_boxes(file, [box])
    if isinstance(part, ValueError):
        raise part
    assert isinstance(part, Image.Image)
    return part


def _only(file: str, people: "list[Detection]") -> "Detection":
    if not people:
        raise ValueError(
            f"{file}: the detector finds nobody; name the person's box by --box, or try a lower --least-score"
        )
    if len(people) > 1:
        lines = [f"  --box {' '.join(f'{edge:.0f}' for edge in one.box)}   score {one.score:.2f}" for one in people]
        raise ValueError(
            "\n".join([f"{file} shows {len(people)} people; search one of them, without --detector:", *lines])
        )
    return people[0]
