"""The demo: people learned in a minute or two on two cores."""

from dataclasses import replace

from scalereid.recipes.osnet import SCRATCH
from scalereid.recipes.published import Published
from scalereid.runs.recipe import DataSettings, EvaluationSettings, ModelSettings, ScheduleSettings

TOY = replace(
    SCRATCH,
    data=DataSettings(dataset="toy", image_size=(128, 64), batch_size=32, flip=0.5, crop=0.5, erase=0.5),
    model=ModelSettings(backbone="osnet_x0_25"),
    schedule=ScheduleSettings(epochs=25, decay="cosine", warmup_epochs=2),
    evaluation=EvaluationSettings(every=5, distance="cosine"),
)
PUBLISHED = {"toy": Published(TOY, "", None, ("Drawn people, for trying things out.",))}
