"""Images to embeddings: backbones, the embedding model, and released weights."""

from collections.abc import Callable
from functools import partial

from scalereid.models import dslnet, osnet
from scalereid.models.backbone import Backbone
from scalereid.models.mobilenet import MobileNetV2
from scalereid.models.resnet import ResNet50
from scalereid.models.supernet import SuperNet

BACKBONES: dict[str, Callable[..., Backbone]] = {
    **osnet.NETWORKS,
    "osnet_supernet": SuperNet,
    "osnet_supernet_sampled": partial(SuperNet, sampled=True),
    **osnet.ABLATIONS,
    **dslnet.NETWORKS,
    "resnet50": ResNet50,
    "mobilenetv2": MobileNetV2,
}

__all__ = ["BACKBONES", "Backbone"]
