"""What the field has learned since the papers: one setting at a time, and people never seen, from scratch, at a small size.

    scalereid study studies/what_pays.py --data FOLDER --out runs/what-pays

FOLDER holds Market-1501's training images. Every row has flip, crop and patches, 64×32, fifteen epochs and float32, and
values that are published, or near them (docs/how-to/training.md says whose). A loss on pairs begins in the second half, with
half the weight of cross-entropy, as in `best.py`: with full weight after a third of the epochs it made all embeddings alike,
as it does from the first epoch on (docs/results.md). Run it in the folder that holds `studies`.
"""

from typing import Any

from scalereid import Row, Study

RECIPE = "osnet_x0_25_market1501_dev"
EPOCHS = 15
PLAIN = {
    "data.image_size": (64, 32),
    "data.erase": 0.0,
    "data.patch": 0.5,
    "optimizer.precision": "float32",
    "schedule.epochs": EPOCHS,
}


def pairs(loss: str, weight: float, from_epoch: int) -> dict[str, Any]:
    """A loss on pairs, and people × images, from an epoch on."""
    return {
        "data.images_per_person": 4,
        "data.images_per_person_from_epoch": from_epoch,
        f"objective.{loss}": weight,
        f"objective.{loss}_from_epoch": from_epoch,
    }


TRIPLET = pairs("triplet", 0.5, EPOCHS // 2)
# With weight 1, as published for pretrained networks, all embeddings become alike (docs/how-to/training.md).
CIRCLE = pairs("circle", 0.05, EPOCHS // 2)
POOL = {"data.patch": 0.0, "data.augmentation": "studies/patch_pool.py:from_pool"}
BNNECK = {"model.neck": "bnneck", "model.embedding_size": 128}  # the backbone's channels, so without a linear layer


def jitter(*strengths: float) -> dict[str, Any]:
    """Jitter of half of the images."""
    return {"data.jitter": 0.5, "data.jitter_strengths": strengths}


def row(**settings: Any) -> Row:
    """The plain row with other settings."""
    return Row(RECIPE, {**PLAIN, **settings})


STUDY = Study(
    rows={
        "plain": row(),
        "erasing": row(**{"data.patch": 0.0, "data.erase": 0.5}),
        "patches of a pool": row(**POOL),
        "weight average": row(**{"optimizer.average": 0.999}),
        "self-distillation": row(**{"optimizer.average": 0.999, "objective.self_distillation": 1.0}),
        "generalised mean": row(**{"model.pooling": "gem"}),
        "BNNeck": row(**BNNECK),
        "BNNeck, 512": row(**{"model.neck": "bnneck"}),
        "triplet": row(**TRIPLET),
        "triplet, weight 1 from a third": row(**pairs("triplet", 1.0, EPOCHS // 3)),
        "triplet and BNNeck": row(**TRIPLET, **BNNECK),
        "triplet and centre": row(**TRIPLET, **{"objective.centre": 0.0005}),
        "circle": row(**CIRCLE),
        "circle and BNNeck": row(**CIRCLE, **BNNECK),
        "jitter": row(**jitter(0.15, 0.15, 0.1, 0.1)),
        "stronger jitter": row(**jitter(0.4, 0.4, 0.4, 0.1)),
        "grey": row(**{"data.grey": 0.1}),
        "TrivialAugment 0.1": row(**{"data.auto_augment": 0.1}),
        "TrivialAugment 0.5": row(**{"data.auto_augment": 0.5}),
        "batches of 32": row(**{"data.batch_size": 32}),
        "twice the epochs": row(**{"schedule.epochs": 2 * EPOCHS}),
    },
    seeds=(0, 1, 2),
)
