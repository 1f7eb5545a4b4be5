"""Which gallery images count for a query: the one rule of each protocol, for scores and for checks."""

from typing import Any, Literal

Protocol = Literal["market1501", "all-cameras", "single-gallery-shot"]


def leaves_out(protocol: Protocol, *, same_person: Any, same_camera: Any, same_image: Any) -> Any:
    """Whether the protocol leaves a gallery image out of a query's ranking.

    Takes booleans, or NumPy arrays or tensors of them that broadcast, and returns the same kind.

    * `market1501` (Zheng et al., ICCV 2015) leaves out images of the query's person from the query's camera.
    * `single-gallery-shot` (CUHK03's classic protocol, Li et al., CVPR 2014) follows the same rule.
    * `all-cameras` leaves out only the query's own image, for data of one camera.
    """
    return same_image if protocol == "all-cameras" else same_person & same_camera
