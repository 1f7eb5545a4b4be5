"""The networks that the papers compare with, trained as their tables say."""

from dataclasses import replace

from scalereid.recipes import osnet
from scalereid.recipes.published import Published, Scores, by_dataset
from scalereid.runs.recipe import DataSettings, ModelSettings, OptimizerSettings, ScheduleSettings

# Of the OSNet paper's table 3, "from scratch, theirs".
MOBILENET_SCORES = by_dataset((87.0, 69.5), (75.2, 55.8), (46.5, 46.0), (50.9, 27.0))
# Of torchreid's model zoo, resnet50_fc512.
RESNET_SCORES: dict[str, Scores] = {"market1501": (90.8, 75.3), "duke": (81.0, 64.0), "msmt17": (69.6, 38.4)}
RESNET50 = replace(
    osnet.FINETUNED,
    data=DataSettings(dataset="market1501", batch_size=32, flip=0.5, crop=0.5),
    model=ModelSettings(backbone="resnet50"),
    optimizer=OptimizerSettings(name="amsgrad", lr=0.0003),
    schedule=ScheduleSettings(epochs=60, decay="step", steps=(20, 40), classifier_only_epochs=5, open_embedding=True),
)

PUBLISHED = {
    f"mobilenetv2_{dataset}": Published(
        osnet.on(osnet.with_backbone(osnet.SCRATCH, "mobilenetv2"), dataset),
        f"{osnet.PAPER}, table 3",
        scores,
        ("OSNet's authors' run; theirs had no 512-d layer.",),
    )
    for dataset, scores in MOBILENET_SCORES.items()
} | {
    f"resnet50_{dataset}_finetuned": Published(
        osnet.on(RESNET50, dataset), "torchreid's model zoo, resnet50_fc512", scores, (osnet.FINETUNED_NOTE,)
    )
    for dataset, scores in RESNET_SCORES.items()
}
