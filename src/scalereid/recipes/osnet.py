"""OSNet's published settings (arXiv:1905.00953, section 4.1 and table 3), and a small one for two cores."""

from dataclasses import replace

from scalereid.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
)

# From scratch. Published: rank-1 93.6 %, mAP 81.0 %, squared Euclidean distance.
# Its author adds random crops to the paper's flips and erasing (torchreid issue 217).
MARKET1501_SCRATCH = Recipe(
    data=DataSettings(dataset="market1501", flip=0.5, crop=0.5, erase=0.5),
    model=ModelSettings(backbone="osnet_x1_0"),
    optimizer=OptimizerSettings(name="sgd", lr=0.065),
    schedule=ScheduleSettings(epochs=350, decay="step", steps=(150, 225, 300)),
    evaluation=EvaluationSettings(every=50, distance="euclidean"),
)

# From ImageNet weights: --model.initial-weights FILE. Published: rank-1 94.8 %, mAP 84.9 %.
MARKET1501_FINETUNED = replace(
    MARKET1501_SCRATCH,
    data=DataSettings(dataset="market1501", flip=0.5, erase=0.5),
    optimizer=OptimizerSettings(name="amsgrad", lr=0.0015),
    schedule=ScheduleSettings(epochs=150, decay="step", steps=(60, 120), classifier_only_epochs=10),
)

# What two cores manage within the hour: the smallest OSNet at half the size, fewer epochs.
# Scores in docs/results.md; comparable with nothing published.
MARKET1501_DEV_SMALL = Recipe(
    data=DataSettings(dataset="market1501-dev", image_size=(128, 64), flip=0.5, crop=0.5, erase=0.5),
    model=ModelSettings(backbone="osnet_x0_25"),
    optimizer=OptimizerSettings(name="sgd", lr=0.065, precision="bfloat16"),
    schedule=ScheduleSettings(epochs=60, decay="cosine", warmup_epochs=3),
    evaluation=EvaluationSettings(every=5, distance="cosine"),
)
