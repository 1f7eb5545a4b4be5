"""Classification as OSNet's authors do it (arXiv:1905.00953, supplement C, tables 8 to 10); ImageNet for every backbone."""

from dataclasses import replace

from scalereid.recipes.osnet import PAPER
from scalereid.recipes.published import Published
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
)

TABLES_8_9, TABLE_10 = f"{PAPER}, tables 8 and 9", f"{PAPER}, table 10"
CIFAR_NOTE = (
    "The paper trains as pre-activation and Wide ResNets were, and gives no numbers; these are Wide ResNet's "
    "(arXiv:1605.07146), with plain momentum for Nesterov's. Its stem for 32×32 pixels is not at hand: here 3×3 without "
    "stride and pooling."
)
IMAGENET_NOTE = (
    "The decay and label smoothing of the paper are not at hand; here cosine and 0.1. On several GPUs: torchrun, as "
    "docs/how-to/classification.md says."
)
NOTHING = "Nothing published for it; OSNet's settings."
PYCLS = "The released narrower OSNet-AINs were trained by another recipe, pycls's for ResNet-50."
OTHERS = "Its own authors' score, by their settings, as the table has it; these are OSNet's settings."

CIFAR = Recipe(
    data=DataSettings(dataset="cifar10", image_size=(32, 32), batch_size=128, flip=0.5, pad_crop=1.0),
    model=ModelSettings(backbone="osnet_cifar"),
    objective=ObjectiveSettings(label_smoothing=0.0),
    optimizer=OptimizerSettings(name="sgd", lr=0.1, weight_decay=5e-4),
    schedule=ScheduleSettings(epochs=200, decay="step", steps=(60, 120, 160), factor=0.2),
    evaluation=EvaluationSettings(every=10, best="top-1"),
)
IMAGENET = Recipe(
    data=DataSettings(dataset="imagenet", image_size=(224, 224), framing="window", batch_size=1024, flip=0.5),
    model=ModelSettings(backbone="osnet_x1_0"),
    optimizer=OptimizerSettings(name="sgd", lr=0.4, weight_decay=4e-5),
    schedule=ScheduleSettings(epochs=120, decay="cosine"),
    evaluation=EvaluationSettings(every=10, best="top-1"),
)
# What a core manages within the hour, and what a small OSNet for people can start from.
SMALL = replace(
    CIFAR,
    data=replace(CIFAR.data, image_size=(64, 64)),
    model=ModelSettings(backbone="osnet_x0_25"),
    schedule=ScheduleSettings(epochs=4, decay="cosine"),
    evaluation=replace(CIFAR.evaluation, every=1),
)


def _peer(backbone: str, channels: int, *, width: float | None = None, depth: int | None = None) -> ModelSettings:
    """A network whose pooled maps, of so many channels, are its embeddings."""
    options = () if depth is None else (f"depth={depth}",)
    return ModelSettings(backbone=backbone, width=width, options=options, neck="none", embedding_size=channels)


RESNET, WIDE = "preactivation_resnet_cifar", "wide_resnet_cifar"
# Top-1 errors in per cent, on CIFAR-10 and CIFAR-100, by what the name of the recipe ends in.
ON_CIFAR: dict[str, tuple[ModelSettings, str, tuple[float, float]]] = {
    "osnet": (ModelSettings(backbone="osnet_cifar"), CIFAR_NOTE, (4.41, 19.21)),
    "osnet_210": (ModelSettings(backbone="osnet_cifar_210"), CIFAR_NOTE, (4.18, 18.88)),
    "osnet_one_stream": (ModelSettings(backbone="osnet_cifar_one_stream"), CIFAR_NOTE, (5.49, 21.78)),
    "osnet_addition": (ModelSettings(backbone="osnet_cifar_addition"), CIFAR_NOTE, (4.72, 20.24)),
    "resnet_164": (_peer(RESNET, 256, depth=164), OTHERS, (5.46, 24.33)),
    "resnet_1001": (_peer(RESNET, 256, depth=1001), OTHERS, (4.92, 22.71)),
    "wide_resnet_40": (_peer(WIDE, 256, width=4, depth=40), OTHERS, (4.97, 22.89)),
    "wide_resnet_16": (_peer(WIDE, 512, width=8, depth=16), OTHERS, (4.81, 22.07)),
}
# Top-1 accuracy in per cent on ImageNet; None where nothing is published, and why.
ON_IMAGENET: dict[str, tuple[float | None, tuple[str, ...]]] = {
    "osnet_x1_0": (75.5, ()),
    "osnet_x0_75": (73.5, ()),
    "osnet_x0_5": (69.5, ()),
    "osnet_x0_25": (None, (NOTHING,)),
    "osnet_ibn_x1_0": (None, (NOTHING,)),
    "osnet_ain_x1_0": (None, (NOTHING,)),
    "osnet_ain_x0_75": (None, (NOTHING, PYCLS)),
    "osnet_ain_x0_5": (None, (NOTHING, PYCLS)),
    "osnet_ain_x0_25": (None, (NOTHING, PYCLS)),
    "dslnet": (None, (NOTHING,)),
    "dslnet_ibn": (None, (NOTHING,)),
    "dslnet_ain": (None, (NOTHING,)),
    "resnet50": (None, (NOTHING,)),
}
# MobileNetV2's widths, their last channels, and table 10's accuracies.
MOBILENETS = {"mobilenetv2": (1.0, 1280, 72.0), "mobilenetv2_x1_4": (1.4, 1792, 74.7)}


def _with_model(recipe: Recipe, model: ModelSettings) -> Recipe:
    return replace(recipe, model=model)


def _published() -> dict[str, Published]:
    entries: dict[str, Published] = {}
    for name, (model, note, errors) in ON_CIFAR.items():
        for dataset, error in zip(("cifar10", "cifar100"), errors, strict=True):
            recipe = replace(CIFAR, data=replace(CIFAR.data, dataset=dataset), model=model)
            entries[f"{dataset}_{name}"] = Published(recipe, TABLES_8_9, None, (note,), top1_error=error)
    for backbone, (accuracy, notes) in ON_IMAGENET.items():
        model = _peer(backbone, 2048) if backbone == "resnet50" else ModelSettings(backbone=backbone)
        entries[f"imagenet_{backbone}"] = Published(
            _with_model(IMAGENET, model),
            TABLE_10 if accuracy else "",
            None,
            (*notes, IMAGENET_NOTE),
            top1_error=None if accuracy is None else round(100 - accuracy, 2),
        )
    for name, (width, channels, accuracy) in MOBILENETS.items():
        model = _peer("mobilenetv2", channels, width=width)
        notes = (OTHERS, IMAGENET_NOTE)
        error = round(100 - accuracy, 2)
        entries[f"imagenet_{name}"] = Published(_with_model(IMAGENET, model), TABLE_10, None, notes, top1_error=error)
    note = "What a core manages within the hour; nothing published, see docs/results/training.md."
    entries["cifar10_osnet_small"] = Published(SMALL, "", None, (note,))
    return entries


PUBLISHED = _published()
