"""DSLNet's published settings (ACCV 2020, section 4). What the paper leaves open is answered in docs/explanation/dslnet.md."""

from dataclasses import replace

from scalereid.recipes import osnet
from scalereid.recipes.osnet import on, with_backbone
from scalereid.recipes.published import Published, Scores, by_dataset
from scalereid.runs.recipe import ModelSettings, ObjectiveSettings, Recipe, ScheduleSettings

PAPER = "DSLNet, ACCV 2020"
FINETUNED_NOTE = (
    "From ImageNet weights, which nobody has published for DSLNet: model.initial_weights=RUN, the run of imagenet_dslnet "
    "(imagenet_dslnet_ibn, imagenet_dslnet_ain)."
)
RATE_NOTE = "The text swaps the learning rates, giving 0.0015 for SGD and 0.065 for AMSGrad."
AUGMENTATION_NOTE = "The paper names no augmentation; these are OSNet's."
RERUN_NOTE = (
    "The OSNet that DSLNet's tables compare with: a rerun scored by cosine distance, seed 4 (torchreid issue 279)."
)
JOINT_NOTE = "Cross-entropy and E-TriHard together from the start."
PHASES_NOTE = (
    "Cross-entropy on random batches for the first half, then both on people × images; the paper trains in this order, and "
    "does not say for how long each."
)
LIST_NOTE = "The paper counts 32,621 training images, the list with the validation list; torchreid trains on 30,248."

SCRATCH = replace(
    osnet.SCRATCH,
    model=ModelSettings(backbone="dslnet"),
    objective=ObjectiveSettings(auxiliary=1.0),
    schedule=ScheduleSettings(epochs=350, decay="cosine"),
    evaluation=replace(osnet.SCRATCH.evaluation, distance="cosine"),
)
FINETUNED = replace(
    SCRATCH,
    data=osnet.FINETUNED.data,
    optimizer=osnet.FINETUNED.optimizer,
    schedule=ScheduleSettings(epochs=250, decay="cosine", classifier_only_epochs=10),
)


def with_e_trihard(recipe: Recipe, *, from_epoch: int = 0) -> Recipe:
    """`recipe` with E-TriHard on people × images, both from an epoch on."""
    return replace(
        recipe,
        data=replace(recipe.data, images_per_person=4, images_per_person_from_epoch=from_epoch),
        objective=replace(recipe.objective, triplet=0.5, triplet_from_epoch=from_epoch, ratio=0.8, margin=0.3),
    )


E_TRIHARD = with_e_trihard(FINETUNED)
TWO_PHASES = with_e_trihard(FINETUNED, from_epoch=FINETUNED.schedule.epochs // 2)

SCRATCH_SCORES = by_dataset((94.0, 83.9), (86.9, 74.8), (63.8, 61.0), (75.0, 52.3))
FINETUNED_SCORES = by_dataset((94.5, 85.1), (89.5, 77.1), (73.6, 69.4), (80.2, 57.3))
E_TRIHARD_SCORES = by_dataset((95.1, 87.3), (90.4, 78.5), (76.8, 72.4), (82.1, 59.4))

# From scratch on CUHK03; the whole DSLNet is dslnet_cuhk03. Where there are no scores, the paper leaves the question open.
ABLATIONS: dict[str, tuple[str, Scores | None, str]] = {
    "dslnet_not_dense": ("ablation of the dense connections", (61.4, 59.2), "No dense connections."),
    "dslnet_addition": ("ablation of the attention", (56.2, 54.2), "No selection: the plain sum."),
    "dslnet_squeeze_excitation": ("ablation of the attention", (62.2, 60.0), "Squeeze-and-excitation on the sum."),
    "dslnet_shared_gate": ("ablation of the attention", (62.5, 59.9), "OSNet's shared gate."),
    "dslnet_unsplit": ("", None, "Selection in which every stream's net sees the whole vector."),
    "dslnet_layers_1_3_5": ("", None, "Other layers for streams; the group ends with the fifth."),
    "dslnet_layers_1_3_6": ("", None, "Other layers for streams."),
    "dslnet_layers_4_5_6": ("", None, "Other layers for streams."),
}


def _published() -> dict[str, Published]:
    entries: dict[str, Published] = {}

    def add(name: str, recipe: Recipe, where: str, scores: Scores | None, *notes: str) -> None:
        everything = (*notes, LIST_NOTE) if recipe.data.dataset == "msmt17" else notes
        entries[name] = Published(recipe, f"{PAPER}, {where}" if where else "", scores, everything)

    for dataset, scores in SCRATCH_SCORES.items():
        add(f"dslnet_{dataset}", on(SCRATCH, dataset), "results from scratch", scores, RATE_NOTE, AUGMENTATION_NOTE)
        add(f"dslnet_{dataset}_erasing", osnet.with_erasing(on(SCRATCH, dataset)), "", None, osnet.ERASING_NOTE)
    notes = (FINETUNED_NOTE, RATE_NOTE)
    for dataset, scores in FINETUNED_SCORES.items():
        add(f"dslnet_{dataset}_finetuned", on(FINETUNED, dataset), "results fine-tuned", scores, *notes)
    for dataset, scores in E_TRIHARD_SCORES.items():
        name = f"dslnet_{dataset}_etrihard"
        add(name, on(E_TRIHARD, dataset), "results fine-tuned", scores, JOINT_NOTE, *notes)
        add(f"{name}_two_phases", on(TWO_PHASES, dataset), "results fine-tuned", scores, PHASES_NOTE, *notes)
    rerun = replace(osnet.FINETUNED, evaluation=replace(osnet.FINETUNED.evaluation, distance="cosine"))
    add(
        "osnet_cuhk03_rerun",
        on(rerun, "cuhk03"),
        "results fine-tuned, OSNet",
        (69.1, 65.7),
        RERUN_NOTE,
        osnet.FINETUNED_NOTE,
    )
    for backbone, (where, published, note) in ABLATIONS.items():
        add(f"{backbone}_cuhk03", with_backbone(on(SCRATCH, "cuhk03"), backbone), where, published, note)
    return entries


PUBLISHED = _published()
