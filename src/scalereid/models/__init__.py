"""Images to embeddings: backbones, the embedding model, and released weights."""

from collections.abc import Callable
from functools import partial

from scalereid.models import dslnet, osnet
from scalereid.models.backbone import Backbone
from scalereid.models.mobilenet import MobileNetV2
from scalereid.models.resnet import ResNet50
from scalereid.models.supernet import SuperNet

BACKBONES: dict[str, Callable[..., Backbone]] = {
    "osnet_x1_0": osnet.osnet_x1_0,
    "osnet_x0_75": osnet.osnet_x0_75,
    "osnet_x0_5": osnet.osnet_x0_5,
    "osnet_x0_25": osnet.osnet_x0_25,
    "osnet_ibn_x1_0": osnet.osnet_ibn_x1_0,
    "osnet_ain_x1_0": osnet.osnet_ain_x1_0,
    "osnet_ain_x0_75": osnet.osnet_ain_x0_75,
    "osnet_ain_x0_5": osnet.osnet_ain_x0_5,
    "osnet_ain_x0_25": osnet.osnet_ain_x0_25,
    "osnet_supernet": SuperNet,
    "osnet_supernet_sampled": partial(SuperNet, sampled=True),
    "osnet_full_convolutions": osnet.osnet_full_convolutions,
    "osnet_same_depth_2": osnet.osnet_same_depth_2,
    "osnet_same_depth_3": osnet.osnet_same_depth_3,
    "osnet_concatenation": osnet.osnet_concatenation,
    "osnet_addition": osnet.osnet_addition,
    "osnet_separate_gates": osnet.osnet_separate_gates,
    "osnet_stream_gate": osnet.osnet_stream_gate,
    "osnet_fixed_gates": osnet.osnet_fixed_gates,
    "osnet_one_stream": osnet.osnet_one_stream,
    "osnet_two_streams": osnet.osnet_two_streams,
    "osnet_three_streams": osnet.osnet_three_streams,
    "dslnet": dslnet.dslnet,
    "dslnet_not_dense": dslnet.dslnet_not_dense,
    "dslnet_addition": dslnet.dslnet_addition,
    "dslnet_squeeze_excitation": dslnet.dslnet_squeeze_excitation,
    "dslnet_shared_gate": dslnet.dslnet_shared_gate,
    "dslnet_unsplit": dslnet.dslnet_unsplit,
    "dslnet_layers_1_3_5": dslnet.dslnet_layers_1_3_5,
    "dslnet_layers_1_3_6": dslnet.dslnet_layers_1_3_6,
    "dslnet_layers_4_5_6": dslnet.dslnet_layers_4_5_6,
    "resnet50": ResNet50,
    "mobilenetv2": MobileNetV2,
}

__all__ = ["BACKBONES", "Backbone"]
