"""Which detector of people: options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import DisallowNone, arg

from scalereid.arguments import check_whole
from scalereid.cli.options import otherwise
from scalereid.detection.detector import LEAST_SCORE
from scalereid.detection.layouts import LayoutName

if TYPE_CHECKING:
    from scalereid.detection.detector import Detector

_FILE = "A detector of people, a .onnx file: of the YOLO family, RF-DETR, RT-DETR."


@dataclass(frozen=True, kw_only=True)
class DetectorSettings:
    """How a detector's file is read, and what counts as found."""

    detector_layout: Annotated[LayoutName | None, otherwise("told by what the file gives")] = None
    """How pictures go into the detector, and what comes out."""
    detector_class: Annotated[int | None, otherwise("person, by the file's names of classes or COCO's")] = None
    """Number of the class to find."""
    least_score: float = LEAST_SCORE
    """Leave out people of whom the detector is less sure, from 0 to 1."""

    def open(self, file: Path) -> "Detector":
        """The detector in a file."""
        from scalereid.detection.detector import open_detector

        if self.detector_class is not None:
            check_whole("--detector-class", self.detector_class, 0)
        return open_detector(
            file, layout=self.detector_layout, person=self.detector_class, least_score=self.least_score
        )


@dataclass(frozen=True, kw_only=True)
class DetectorOptions(DetectorSettings):
    """A detector."""

    detector: Annotated[Path, arg(help=_FILE)]


@dataclass(frozen=True, kw_only=True)
class OptionalDetector(DetectorSettings):
    """A detector, if there is one."""

    detector: Annotated[Path | None, DisallowNone, otherwise("none"), arg(help=_FILE)] = None
