"""DSLNet against OSNet as published, and DSLNet's ablations: full width, 256×128, from scratch, on CUHK03's first pair.

    scalereid study studies/dslnet_against_osnet.py --data FOLDER --out runs/cuhk03 --results studies/results/cuhk03.json
    HEIGHT=128 EPOCHS=30 scalereid study studies/dslnet_against_osnet.py --data FOLDER --out runs/small \\
        --results studies/results/cuhk03-small.json --rows "OSNet, branch" "DSLNet, branch"

Primary endpoint, fixed before the first run: mAP of DSLNet minus mAP of OSNet, both with the auxiliary branch; its interval is
over people, seeds and splits. Five random splits of 843 people into 500 to train and 343 to find; two seeds.

Every row has flip, crop and patches, SGD at 0.065 with cosine decay, 150 epochs, bfloat16: DSLNet's published settings, at less
than half their length. E-TriHard joins in the second half, on people × images; from scratch and from the start it makes all
embeddings alike (docs/results.md). The rows after it are the paper's tables 4 and 5, with the branch.

The second line is what a CPU does: images a quarter of the size, and a fifth of the epochs, still at full width. Half an hour
a run on one core of an AMD EPYC (0.94 s a step of OSNet, 0.79 of DSLNet, 76 steps an epoch; 2026-11-22). A narrower DSLNet
would say nothing of its selection, whose hidden layers have as few as three units at full width.
"""

import os
from typing import Any

from scalereid import Row, Study

HEIGHT, EPOCHS = int(os.environ.get("HEIGHT", "256")), int(os.environ.get("EPOCHS", "150"))
SHORT = {
    "data.image_size": (HEIGHT, HEIGHT // 2),
    "schedule.epochs": EPOCHS,
    "optimizer.precision": "bfloat16",
    "evaluation.every": EPOCHS,
}
OSNET = {"model.backbone": "osnet_x1_0"}
WITHOUT_BRANCH = {"objective.auxiliary": 0.0}
E_TRIHARD = {
    "data.images_per_person": 4,
    "data.images_per_person_from_epoch": EPOCHS // 2,
    "objective.triplet": 0.5,
    "objective.triplet_from_epoch": EPOCHS // 2,
    "objective.ratio": 0.8,
}


def row(**settings: Any) -> Row:
    """DSLNet's published settings with others."""
    return Row("dslnet_cuhk03", {**SHORT, **settings})


STUDY = Study(
    rows={
        "OSNet, branch": row(**OSNET),
        "DSLNet, branch": row(),
        "OSNet": row(**OSNET, **WITHOUT_BRANCH),
        "DSLNet": row(**WITHOUT_BRANCH),
        "OSNet, branch, E-TriHard": row(**OSNET, **E_TRIHARD),
        "DSLNet, branch, E-TriHard": row(**E_TRIHARD),
        "DSLNet, branch, not dense": row(**{"model.backbone": "dslnet_not_dense"}),
        "DSLNet, branch, plain sum": row(**{"model.backbone": "dslnet_addition"}),
        "DSLNet, branch, squeeze-and-excitation": row(**{"model.backbone": "dslnet_squeeze_excitation"}),
        "DSLNet, branch, shared gate": row(**{"model.backbone": "dslnet_shared_gate"}),
    },
    seeds=(0, 1),
    splits={f"#{number}": {"data.dataset": f"cuhk03-pair1#{number}"} for number in range(1, 6)},
)
