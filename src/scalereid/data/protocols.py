"""Which gallery images count for a query: the one rule of each protocol, for scores and for checks."""

from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor  # which a list of datasets need not wait for

Protocol = Literal["market1501", "all-cameras", "single-gallery-shot"]
Mask = TypeVar("Mask", bool, NDArray[np.bool_], "Tensor")

_SAME_CAMERA = "the gallery images of the query's person from the query's camera"
LEFT_OUT: dict[Protocol, str] = {
    "market1501": _SAME_CAMERA,
    "single-gallery-shot": _SAME_CAMERA,
    "all-cameras": "the query's own image",
}
"""What each protocol leaves out, in words."""


def leaves_out(protocol: Protocol, *, same_person: Mask, same_camera: Mask, same_image: Mask) -> Mask:
    """Whether the protocol leaves a gallery image out of a query's ranking, by what the two have in common.

    Takes booleans, or NumPy arrays or tensors of booleans that broadcast, and returns the same kind.

    * `market1501` (Zheng et al., ICCV 2015) leaves out images of the query's person from the query's camera.
    * `single-gallery-shot` (CUHK03's classic protocol, Li et al., CVPR 2014) follows the same rule.
    * `all-cameras` leaves out only the query's own image, for data of one camera.
    """
    return same_image if protocol == "all-cameras" else same_person & same_camera


def needs_two_cameras(protocol: Protocol) -> bool:
    """Whether a query's person can be found only in images from another camera."""
    return leaves_out(protocol, same_person=True, same_camera=True, same_image=False)
