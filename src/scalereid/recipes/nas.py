"""Searches for where OSNet, or DSLNet, needs instance norm (arXiv:1910.06827, and its authors' code)."""

from dataclasses import replace

from scalereid.recipes.published import Published
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    SearchSettings,
)

FOUND = "arXiv:1910.06827 and its authors' code: found inside inside none inside inside none (OSNet-AIN). Eight GPUs of 32 GB."

# 126,441 images of 4,101 people, made for eight GPUs of 32 GB.
MSMT17 = Recipe(
    data=DataSettings(dataset="msmt17-all", batch_size=512, flip=0.5, jitter=1.0),
    model=ModelSettings(backbone="osnet_supernet"),
    optimizer=OptimizerSettings(name="sgd", lr=0.1),
    schedule=ScheduleSettings(epochs=120, decay="cosine"),
    search=SearchSettings(temperature=10.0, halve_every=20, lowest_temperature=1.0, samples=1),
    evaluation=EvaluationSettings(every=120, distance="cosine"),
)
# One path at a time, half the batch and the rate with it.
ONE_GPU = replace(
    MSMT17,
    data=replace(MSMT17.data, batch_size=256),
    model=ModelSettings(backbone="osnet_supernet_sampled"),
    optimizer=OptimizerSettings(name="sgd", lr=0.05, precision="bfloat16"),
)
TOY = Recipe(
    data=DataSettings(dataset="toy", image_size=(64, 32), batch_size=32, flip=0.5, jitter=1.0),
    model=ModelSettings(backbone="osnet_supernet", width=0.25),
    optimizer=OptimizerSettings(name="sgd", lr=0.05),
    schedule=ScheduleSettings(epochs=12, decay="cosine"),
    search=SearchSettings(halve_every=2),
    evaluation=EvaluationSettings(every=12, distance="cosine"),
)


def with_dslnet(recipe: Recipe) -> Recipe:
    """The same search in DSLNet's blocks."""
    return replace(recipe, model=replace(recipe.model, backbone="dslnet_supernet"))


PUBLISHED = {
    "nas_msmt17": Published(MSMT17, "", None, (FOUND,)),
    "nas_msmt17_one_gpu": Published(ONE_GPU, "", None, ("One sampled path at a time; nothing published.",)),
    "nas_toy": Published(TOY, "", None, ("A search on drawn people in minutes on two cores, to see how it works.",)),
    "nas_dslnet_msmt17": Published(with_dslnet(MSMT17), "", None, ("The same search in DSLNet; nothing published.",)),
    "nas_dslnet_toy": Published(with_dslnet(TOY), "", None, ("The search of nas_toy, in DSLNet.",)),
}
