"""OSNet on small datasets (arXiv:1905.00953, table 4): trained on four large ones, then fine-tuned on each of ten splits."""

from dataclasses import replace

from scalereid.recipes.osnet import FINETUNED, PAPER, SCRATCH
from scalereid.recipes.published import DATASETS, Published
from scalereid.runs.recipe import Recipe

MIX4_NOTE = "The first of two steps, which the paper calls Mix4; a small dataset serves to score it."
SPLITS_NOTE = (
    "The second step: model.initial_weights is the run of osnet_mix4, data.dataset NAME#1 to NAME#10; the score is the mean "
    "of the ten splits (over_splits in a study). The paper does not give the settings of this step; these are those of "
    "fine-tuning. Rank-1 only."
)
WITHOUT_MIX4 = "From MSMT17 alone a user got {} (torchreid issue 329)."

MIX4 = replace(
    SCRATCH,
    data=replace(SCRATCH.data, dataset="+".join(DATASETS.values())),
    evaluation=replace(SCRATCH.evaluation, dataset="viper#1"),
)


def _finetuned(dataset: str) -> Recipe:
    return replace(FINETUNED, data=replace(FINETUNED.data, dataset=f"{dataset}#1"))


PUBLISHED = {
    "osnet_mix4": Published(MIX4, "", None, (MIX4_NOTE,)),
    "osnet_viper_finetuned": Published(
        _finetuned("viper"), f"{PAPER}, table 4", (68.0, None), (SPLITS_NOTE, WITHOUT_MIX4.format(56.6))
    ),
    "osnet_grid_finetuned": Published(
        _finetuned("grid"), f"{PAPER}, table 4", (38.2, None), (SPLITS_NOTE, WITHOUT_MIX4.format(24.8))
    ),
}
