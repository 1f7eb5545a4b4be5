"""Families of detectors: how pictures go in, and what comes out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scalereid.data.image_size import ImageSize
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.detection.heads import Columns, EndToEnd, Head, Listed, Outputs, Queries, Rows
from scalereid.detection.placing import Fit
from scalereid.inference.pixel_format import PixelFormat
from scalereid.lookup import no_such

_GREY = 114
_UNIT = PixelFormat("RGB", 255.0)  # from 0 to 1


@dataclass(frozen=True)
class Layout:
    """What is to be known of a detector beside its file. `dataclasses.replace` makes one for a network of your own."""

    name: str
    head: Head
    """What its outputs mean."""
    pixels: PixelFormat
    fit: Fit
    overlap: float | None = None
    """Intersection over union from which the worse of two boxes is dropped; None where the network itself gives each person
    one box."""
    padding: int = _GREY
    """What is beside a picture that does not fill the input, from 0 to 255."""
    person: int = 0
    """Number of the class of people, where the file itself does not say."""


_ALL = (
    Layout("yolox", Rows(1, decoded=False), PixelFormat("BGR"), "corner", 0.65),
    Layout("yolox-decoded", Rows(1, decoded=True), PixelFormat("BGR"), "corner", 0.65),
    Layout("yolov5", Rows(3, decoded=True), _UNIT, "centre", 0.45),
    Layout("yolov8", Columns(), _UNIT, "centre", 0.7),
    Layout("yolo-end-to-end", EndToEnd(), _UNIT, "centre"),
    Layout("rf-detr", Queries(), PixelFormat("RGB", 255.0, PIXEL_MEAN, PIXEL_STD), "stretch", person=1),
    Layout("rt-detr", Listed(), _UNIT, "stretch"),
)
LAYOUTS = {layout.name: layout for layout in _ALL}
"""Layouts of files as the projects themselves export them, with what their own programs use:

* `yolox`: YOLOX's `tools/export_onnx.py`; `yolox-decoded`: the same with its option decode_in_inference. `preproc` in its
  `data_augment.py` pads with 114 at the right and below, and leaves values from 0 to 255 in BGR; `nmsthre` in its
  `yolox_base.py` is 0.65.
* `yolov5`: YOLOv5's and YOLOv7's `export.py`, with one output. `yolov8`: YOLOv8, YOLO11, YOLO12 and others of Ultralytics.
  `yolo-end-to-end`: YOLOv10 and YOLO26, and exports of Ultralytics with non-maximum suppression inside.
* `rf-detr`: RF-DETR. It numbers COCO's classes from 1.
* `rt-detr`: RT-DETR, D-FINE, DEIM.
"""

if TYPE_CHECKING:
    LayoutName = str
else:  # the choices that a command line offers
    LayoutName = Literal[tuple(LAYOUTS)]


def find_layout(layout: "Layout | str | None", outputs: Outputs, size: ImageSize) -> Layout:
    """The layout of a detector: as given, by its name, or by its outputs for a picture.

    Args:
        layout: A layout or the name of one, which is checked; None to find it out.
        outputs: What the network gives for one picture.
        size: (height, width) of its input.

    Raises:
        ValueError: There is no such layout, it does not fit, or it cannot be told.
    """
    if isinstance(layout, str) and layout not in LAYOUTS:
        raise ValueError(no_such("layout", layout, LAYOUTS))
    given = LAYOUTS[layout] if isinstance(layout, str) else layout
    fitting = [each for each in ([given] if given else _ALL) if each.head.fits(outputs, size)]
    if len(fitting) == 1:
        return fitting[0]
    gives = " and ".join(f"{name} {each.shape}" for name, each in outputs.items())
    takes = f"{gives} for a picture of {size[0]}×{size[1]}"
    if given:
        what = (given.head.__doc__ or "").partition("\n")[0].rstrip(".")
        raise ValueError(f"it gives {takes}; expected of the layout {given.name}: {what[0].lower()}{what[1:]}")
    if fitting:
        raise ValueError(f"it gives {takes}, as {' and '.join(one.name for one in fitting)} do; name its layout")
    raise ValueError(f"it gives {takes}, which is none of the layouts {', '.join(LAYOUTS)}; export it as one of them")
