"""torchreid's model zoo: OSNet fine-tuned with flips alone, by the settings in the names of the released files."""

from dataclasses import replace

from scalereid.recipes.osnet import FINETUNED, FINETUNED_NOTE, on, with_backbone
from scalereid.recipes.published import Published, Scores
from scalereid.runs.recipe import DataSettings, ScheduleSettings

SOURCE = "torchreid's model zoo"
DATASETS = ("market1501", "duke", "msmt17")

WIDE = replace(FINETUNED, data=DataSettings(flip=0.5))
NARROW = replace(
    WIDE,
    data=replace(WIDE.data, batch_size=128),
    optimizer=replace(WIDE.optimizer, lr=0.003),
    schedule=ScheduleSettings(epochs=180, decay="step", steps=(80, 160), classifier_only_epochs=10),
)
RECIPES = {"osnet_x1_0": WIDE, "osnet_x0_75": WIDE, "osnet_x0_5": NARROW, "osnet_x0_25": NARROW}
SCORES: dict[str, tuple[Scores, Scores, Scores]] = {
    "osnet_x1_0": ((94.2, 82.6), (87.0, 70.2), (74.9, 43.8)),
    "osnet_x0_75": ((93.7, 81.2), (85.8, 69.8), (72.8, 41.4)),
    "osnet_x0_5": ((92.5, 79.8), (85.1, 67.4), (69.7, 37.5)),
    "osnet_x0_25": ((91.2, 75.0), (82.0, 61.4), (61.4, 29.5)),
}

PUBLISHED = {
    f"{backbone}_{dataset}_zoo": Published(
        on(with_backbone(RECIPES[backbone], backbone), dataset), SOURCE, scores, (FINETUNED_NOTE, "Flips only.")
    )
    for backbone, by_dataset in SCORES.items()
    for dataset, scores in zip(DATASETS, by_dataset, strict=True)
}
