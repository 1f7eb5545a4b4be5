"""Images to embeddings: backbones, the embedding model, and released weights."""

from collections.abc import Callable

from scalereid.models import dslnet, osnet, preactivation, supernet
from scalereid.models.backbone import Backbone
from scalereid.models.mobilenet import MobileNetV2
from scalereid.models.resnet import ResNet50

BACKBONES: dict[str, Callable[..., Backbone]] = {
    **osnet.NETWORKS,
    **osnet.ABLATIONS,
    **osnet.SMALL_IMAGES,
    **dslnet.NETWORKS,
    **supernet.NETWORKS,
    "resnet50": ResNet50,
    "mobilenetv2": MobileNetV2,
    **preactivation.NETWORKS,
}

__all__ = ["BACKBONES", "Backbone"]
