"""torchvision's ImageNet weights of ResNet-50 and MobileNetV2, to initialise the backbone of a model."""

from collections.abc import Mapping

from torch import Tensor

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.mobilenet import STAGES
from scalereid.models.released import LoadReport, Renames, load_strictly, rename

_RESNET50: Renames = [
    (r"^(conv|bn)1\.", r"stem.\1."),
    (r"^layer(\d)\.(\d)\.", lambda m: f"stages.{int(m[1]) - 1}.{m[2]}."),
    (r"\.(conv|bn)1\.", r".reduce.\1."),
    (r"\.(conv|bn)2\.", r".spatial.\1."),
    (r"\.(conv|bn)3\.", r".restore.\1."),
    (r"\.downsample\.0\.", ".shortcut.conv."),
    (r"\.downsample\.1\.", ".shortcut.norm."),
    (r"\.bn\.", ".norm."),
]
_BLOCKS = [(stage, block) for stage, (_, _, blocks, _) in enumerate(STAGES) for block in range(blocks)]
_MOBILENETV2: Renames = [
    (r"^features\.0\.", "stem."),
    (rf"^features\.{len(_BLOCKS) + 1}\.", "final."),
    (r"^features\.(\d+)\.", lambda m: "stages.{}.{}.".format(*_BLOCKS[int(m[1]) - 1])),
    (r"^(stages\.0\.0)\.conv\.0\.", r"\1.depthwise."),  # the only block that does not expand
    (r"^(stages\.0\.0)\.conv\.([12])\.", lambda m: f"{m[1]}.project.{int(m[2]) - 1}."),
    (r"\.conv\.0\.", ".expand."),
    (r"\.conv\.1\.", ".depthwise."),
    (r"\.conv\.([23])\.", lambda m: f".project.{int(m[1]) - 2}."),
]
# By backbone: a tensor that only its weights have, the prefix of the classifier, and how torchvision's names are rewritten.
_TRUNKS = {
    "resnet50": ("layer3.5.conv3.weight", "fc.", _RESNET50),
    "mobilenetv2": ("features.17.conv.2.weight", "classifier.", _MOBILENETV2),
}
_BATCHES = ".num_batches_tracked"


def recognise_trunk(state: Mapping[str, Tensor]) -> str | None:
    """Recognise the backbone of ImageNet weights as torchvision saves them; None for anything else."""
    return next((backbone for backbone, (tell, _, _) in _TRUNKS.items() if tell in state), None)


def load_trunk(model: EmbeddingModel, state: Mapping[str, Tensor], backbone: str) -> LoadReport:
    """Load torchvision's weights into the backbone of `model`; its embedding layer stays as it is.

    Files of 2018 and before, such as ResNet-50's that torchreid starts from, do not hold the numbers of batches that batch
    norms have seen, by which nothing is computed: those then stay as they are.

    Raises:
        ValueError: A tensor is missing, unexpected or has another shape; the message names all such tensors.
    """
    _, classifier, renames = _TRUNKS[backbone]
    ignored = tuple(name for name in state if name.startswith(classifier))
    renamed = {f"backbone.{rename(name, renames)}": state[name] for name in state if name not in ignored}
    own = {} if any(name.endswith(_BATCHES) for name in state) else model.state_dict()
    batches = {name: tensor for name, tensor in own.items() if name.endswith(_BATCHES)}
    load_strictly(model, batches | renamed | embedding_of(model))
    return LoadReport(backbone, tuple(renamed), ignored)


def embedding_of(model: EmbeddingModel) -> dict[str, Tensor]:
    """The tensors of a model's embedding layer as they are, to be kept where weights have none."""
    return {name: tensor for name, tensor in model.state_dict().items() if name.startswith("embedding.")}
