"""Settings for places never seen (arXiv:1910.06827, and its authors' model zoo): OSNet, OSNet-IBN and OSNet-AIN."""

from dataclasses import replace

from scalereid.recipes.osnet import FINETUNED, FINETUNED_NOTE, with_backbone
from scalereid.recipes.published import DATASETS, Published, Scores
from scalereid.runs.recipe import DataSettings, Recipe, ScheduleSettings

ZOO = "OSNet-AIN's model zoo (arXiv:1910.06827)"
SUPPLEMENT = "arXiv:1905.00953, supplement D"
NOTES = (
    FINETUNED_NOTE,
    "Without erasing and patches, which hurt sharply where nothing was trained (torchreid issues 221 and 380).",
)
SWAPPED = "Older tables have its Market-1501 and DukeMTMC-reID scores swapped (torchreid issue 325)."
ALL = "On all 126,441 images of MSMT17; on its training images alone OSNet-IBN loses 6 to 8 points."

BACKBONES = {"osnet": "osnet_x1_0", "osnet_ibn": "osnet_ibn_x1_0", "osnet_ain": "osnet_ain_x1_0"}
NAMES = {**DATASETS, "msmt17_all": "msmt17-all"}

COSINE = replace(
    FINETUNED,
    data=DataSettings(flip=0.5, jitter=1.0),
    schedule=ScheduleSettings(epochs=50, decay="cosine", classifier_only_epochs=10),
    evaluation=replace(FINETUNED.evaluation, distance="cosine"),
)
STEP = replace(COSINE, schedule=FINETUNED.schedule, evaluation=FINETUNED.evaluation)

# From one dataset to another: model, source, target, recipe, scores, source of the scores.
SINGLE: list[tuple[str, str, str, Recipe, Scores, str]] = [
    ("osnet_ibn", "market1501", "duke", STEP, (48.5, 26.7), SUPPLEMENT),
    ("osnet_ibn", "duke", "market1501", STEP, (57.7, 26.1), SUPPLEMENT),
    ("osnet_ain", "market1501", "duke", COSINE, (52.4, 30.5), ZOO),
    ("osnet_ain", "duke", "market1501", COSINE, (61.0, 30.6), ZOO),
    ("osnet", "msmt17_all", "market1501", COSINE, (66.6, 37.5), ZOO),
    ("osnet", "msmt17_all", "duke", COSINE, (66.0, 45.3), ZOO),
    ("osnet", "msmt17_all", "cuhk03", COSINE, (21.0, 19.9), ZOO),
    ("osnet_ibn", "msmt17_all", "market1501", STEP, (66.5, 37.2), ZOO),
    ("osnet_ibn", "msmt17_all", "duke", STEP, (67.4, 45.6), ZOO),
    ("osnet_ibn", "msmt17_all", "cuhk03", STEP, (22.0, 20.8), ZOO),
    ("osnet_ain", "msmt17_all", "market1501", COSINE, (70.1, 43.3), ZOO),
    ("osnet_ain", "msmt17_all", "duke", COSINE, (71.1, 52.7), ZOO),
]
# From the other three, 50 epochs: scores of OSNet, OSNet-IBN and OSNet-AIN by the dataset left out.
LEFT_OUT: dict[str, tuple[Scores, Scores, Scores]] = {
    "market1501": ((72.5, 44.2), (73.0, 44.9), (73.3, 45.8)),
    "duke": ((65.2, 47.0), (64.6, 45.7), (65.6, 47.2)),
    "cuhk03": ((23.9, 23.3), (25.7, 25.4), (27.4, 27.1)),
    "msmt17": ((33.2, 12.6), (39.8, 16.2), (40.2, 16.2)),
}


def between(recipe: Recipe, model: str, sources: list[str], target: str) -> Recipe:
    """`recipe` for a model trained on `sources` and scored on `target`, named as in the recipes' names."""
    data = replace(recipe.data, dataset="+".join(NAMES[source] for source in sources))
    evaluation = replace(recipe.evaluation, dataset=NAMES[target])
    return with_backbone(replace(recipe, data=data, evaluation=evaluation), BACKBONES[model])


def _published() -> dict[str, Published]:
    entries: dict[str, Published] = {}
    for model, source, target, recipe, scores, where in SINGLE:
        if recipe is COSINE and source != "msmt17_all":
            recipe = replace(COSINE, schedule=replace(COSINE.schedule, epochs=100))
        notes = [*NOTES, *([ALL] if source == "msmt17_all" else [])]
        notes += [SWAPPED] if model == "osnet_ain" and source == "msmt17_all" else []
        name = f"{model}_{source}_to_{target}"
        entries[name] = Published(between(recipe, model, [source], target), where, scores, tuple(notes))
    for target, by_model in LEFT_OUT.items():
        sources = [name for name in DATASETS if name != target]
        for model, scores in zip(BACKBONES, by_model, strict=True):
            recipe = between(COSINE, model, sources, target)
            entries[f"{model}_others_to_{target}"] = Published(recipe, f"{ZOO}, three sources", scores, NOTES)
    return entries


PUBLISHED = _published()
