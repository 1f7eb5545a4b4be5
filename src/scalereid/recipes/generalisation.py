"""Settings for places never seen (arXiv:1910.06827, its authors' model zoo): OSNet, OSNet-IBN and OSNet-AIN; and for DSLNet."""

from dataclasses import replace

from scalereid.recipes import dslnet
from scalereid.recipes.osnet import FINETUNED, FINETUNED_NOTE, with_backbone
from scalereid.recipes.published import DATASETS, Published, Ranks, Scores
from scalereid.runs.recipe import DataSettings, Recipe, ScheduleSettings

ZOO = "OSNet-AIN's model zoo (arXiv:1910.06827)"
SUPPLEMENT = "arXiv:1905.00953, supplement D"
NO_ERASING = "Without erasing and patches, which hurt sharply where nothing was trained (torchreid issues 221 and 380)."
NOTES = (FINETUNED_NOTE, NO_ERASING)
NOTHING_PUBLISHED = (
    "Nothing published: OSNet-AIN's settings, DSLNet's auxiliary branch, and placements found for OSNet."
)
NO_LAYER = "Theirs had no 512-d layer: its embeddings were the 2,048 pooled channels."
SWAPPED = "Older tables have its Market-1501 and DukeMTMC-reID scores swapped (torchreid issue 325)."
ALL = "On all 126,441 images of MSMT17; on its training images alone OSNet-IBN loses 6 to 8 points."

BACKBONES = {
    "osnet": "osnet_x1_0",
    "osnet_x0_75": "osnet_x0_75",
    "osnet_x0_5": "osnet_x0_5",
    "osnet_x0_25": "osnet_x0_25",
    "osnet_ibn": "osnet_ibn_x1_0",
    "osnet_ain": "osnet_ain_x1_0",
    "resnet50": "resnet50",
    "dslnet": "dslnet",
    "dslnet_ibn": "dslnet_ibn",
    "dslnet_ain": "dslnet_ain",
}
COMPARED = ("osnet", "osnet_ibn", "osnet_ain")
DSLNETS = ("dslnet", "dslnet_ibn", "dslnet_ain")
NAMES = {**DATASETS, "msmt17_all": "msmt17-all"}

COSINE = replace(
    FINETUNED,
    data=DataSettings(flip=0.5, jitter=1.0),
    schedule=ScheduleSettings(epochs=50, decay="cosine", classifier_only_epochs=10),
    evaluation=replace(FINETUNED.evaluation, distance="cosine"),
)
COSINE_100 = replace(COSINE, schedule=replace(COSINE.schedule, epochs=100))
STEP = replace(COSINE, schedule=FINETUNED.schedule, evaluation=FINETUNED.evaluation)

# From one dataset to another: model, source, target, recipe, scores, source of the scores.
SINGLE: list[tuple[str, str, str, Recipe, Scores, str]] = [
    ("osnet_ibn", "market1501", "duke", STEP, (48.5, 26.7), SUPPLEMENT),
    ("osnet_ibn", "duke", "market1501", STEP, (57.7, 26.1), SUPPLEMENT),
    ("osnet_ain", "market1501", "duke", COSINE_100, (52.4, 30.5), ZOO),
    ("osnet_ain", "duke", "market1501", COSINE_100, (61.0, 30.6), ZOO),
    ("osnet_ain", "msmt17_all", "market1501", COSINE, (70.1, 43.3), ZOO),
    ("osnet_ain", "msmt17_all", "duke", COSINE, (71.1, 52.7), ZOO),
    ("osnet_ibn", "msmt17", "market1501", STEP, (60.2, 29.9), ZOO),
    ("osnet_ibn", "msmt17", "duke", STEP, (59.9, 37.4), ZOO),
    ("osnet_ibn", "msmt17", "cuhk03", STEP, (15.1, 14.1), ZOO),
]
# From all images of MSMT17 to Market-1501, DukeMTMC-reID and CUHK03, by Euclidean distance.
FROM_ALL: dict[str, tuple[Scores, Scores, Scores]] = {
    "osnet": ((66.6, 37.5), (66.0, 45.3), (21.0, 19.9)),
    "osnet_x0_75": ((63.6, 35.5), (65.3, 44.5), (20.0, 19.4)),
    "osnet_x0_5": ((64.3, 34.9), (65.2, 43.3), (19.6, 19.2)),
    "osnet_x0_25": ((59.9, 31.0), (61.5, 39.6), (14.5, 14.5)),
    "osnet_ibn": ((66.5, 37.2), (67.4, 45.6), (22.0, 20.8)),
    "resnet50": ((46.3, 22.8), (52.3, 32.1), (11.7, 13.1)),
}
SINGLE += [
    (model, "msmt17_all", target, STEP, score, ZOO)
    for model, scores in FROM_ALL.items()
    for target, score in zip(("market1501", "duke", "cuhk03"), scores, strict=True)
]
# Rank-5 and rank-10 of OSNet-IBN and OSNet-AIN.
RANKS: dict[tuple[str, str, str], Ranks] = {
    ("osnet_ibn", "market1501", "duke"): (62.3, 67.4),
    ("osnet_ibn", "duke", "market1501"): (73.7, 80.0),
    ("osnet_ibn", "msmt17_all", "duke"): (80.0, 83.3),
    ("osnet_ibn", "msmt17_all", "market1501"): (81.5, 86.8),
    ("osnet_ain", "market1501", "duke"): (66.1, 71.2),
    ("osnet_ain", "duke", "market1501"): (77.0, 82.5),
    ("osnet_ain", "msmt17_all", "market1501"): (84.1, 88.6),
    ("osnet_ain", "msmt17_all", "duke"): (83.3, 86.4),
}
# From the other three, 50 epochs: scores of OSNet, OSNet-IBN and OSNet-AIN by the dataset left out.
LEFT_OUT: dict[str, tuple[Scores, Scores, Scores]] = {
    "market1501": ((72.5, 44.2), (73.0, 44.9), (73.3, 45.8)),
    "duke": ((65.2, 47.0), (64.6, 45.7), (65.6, 47.2)),
    "cuhk03": ((23.9, 23.3), (25.7, 25.4), (27.4, 27.1)),
    "msmt17": ((33.2, 12.6), (39.8, 16.2), (40.2, 16.2)),
}


# How the three DSLNets are trained: recipe, sources, targets.
WITH_DSLNET: list[tuple[Recipe, str, tuple[str, ...]]] = [
    (COSINE_100, "market1501", ("duke",)),
    (COSINE_100, "duke", ("market1501",)),
    (COSINE, "msmt17_all", ("market1501", "duke", "cuhk03")),
    (COSINE, "others", tuple(DATASETS)),
]


def sources_of(source: str, target: str) -> list[str]:
    """The datasets to train on; `others` are those beside the target."""
    return [name for name in DATASETS if name != target] if source == "others" else [source]


def between(recipe: Recipe, model: str, sources: list[str], target: str) -> Recipe:
    """`recipe` for a model trained on `sources` and scored on `target`, named as in the recipes' names."""
    data = replace(recipe.data, dataset="+".join(NAMES[source] for source in sources))
    evaluation = replace(recipe.evaluation, dataset=NAMES[target])
    schedule = replace(recipe.schedule, open_embedding=model == "resnet50")  # whose embedding layer is ours, and new
    return with_backbone(replace(recipe, data=data, evaluation=evaluation, schedule=schedule), BACKBONES[model])


def _published() -> dict[str, Published]:
    entries: dict[str, Published] = {}
    for model, source, target, recipe, scores, where in SINGLE:
        notes = [*NOTES, *([ALL] if source == "msmt17_all" else [])]
        notes += [SWAPPED] if model == "osnet_ain" and source == "msmt17_all" else []
        notes += [NO_LAYER] if model == "resnet50" else []
        name, own = f"{model}_{source}_to_{target}", between(recipe, model, [source], target)
        entries[name] = Published(own, where, scores, tuple(notes), RANKS.get((model, source, target)))
    for target, by_model in LEFT_OUT.items():
        for model, scores in zip(COMPARED, by_model, strict=True):
            recipe = between(COSINE, model, sources_of("others", target), target)
            entries[f"{model}_others_to_{target}"] = Published(recipe, f"{ZOO}, three sources", scores, NOTES)
    return entries | _dslnets()


def _dslnets() -> dict[str, Published]:
    entries: dict[str, Published] = {}
    notes = (NOTHING_PUBLISHED, dslnet.FINETUNED_NOTE, NO_ERASING)
    for model in DSLNETS:
        for recipe, source, targets in WITH_DSLNET:
            with_branch = replace(recipe, objective=dslnet.FINETUNED.objective)
            for target in targets:
                own = between(with_branch, model, sources_of(source, target), target)
                entries[f"{model}_{source}_to_{target}"] = Published(own, "", None, notes)
    return entries


PUBLISHED = _published()
