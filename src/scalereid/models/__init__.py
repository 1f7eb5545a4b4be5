"""Images to embeddings: backbones, the embedding model, and released weights."""

from collections.abc import Callable

from scalereid.models.backbone import Backbone
from scalereid.models.osnet import osnet_x0_5, osnet_x0_25, osnet_x0_75, osnet_x1_0

BACKBONES: dict[str, Callable[[], Backbone]] = {
    "osnet_x1_0": osnet_x1_0,
    "osnet_x0_75": osnet_x0_75,
    "osnet_x0_5": osnet_x0_5,
    "osnet_x0_25": osnet_x0_25,
}
