"""OSNet's table 5: one thing changed at a time, from scratch, on people never seen.

    scalereid study studies/osnet_ablations.py --data FOLDER --out runs/table5 --results studies/results/table5.json
    WIDTH=0.25 HEIGHT=64 EPOCHS=15 scalereid study studies/osnet_ablations.py --data FOLDER --out runs/table5-small

FOLDER holds Market-1501's training images. Images are HEIGHT by half of that, channels WIDTH times the paper's: by default
256×128 and full width, for 60 epochs; the second line is what a CPU does within hours, six minutes a run.

Endpoints, fixed before the first run (2026-11-22): mAP on `market1501-dev` of "OSNet" minus that of each other row, as in the
table, where Market-1501's test people are scored. Every row has the paper's augmentation (flip, crop and patches) and rate; the
decay is by cosine after a short warm-up, since the table's steps are for 350 epochs.

The paper does not give the depth of its row 3, so there are two of it; "fixed gates" are learned, and the same for all images.
"""

import os
from typing import Any

from scalereid import Row, Study

WIDTH = float(os.environ.get("WIDTH", "1"))
HEIGHT, EPOCHS = int(os.environ.get("HEIGHT", "256")), int(os.environ.get("EPOCHS", "60"))
SETTINGS: dict[str, Any] = {
    "data.image_size": (HEIGHT, HEIGHT // 2),
    "data.erase": 0.0,
    "data.patch": 0.5,
    "model.width": WIDTH,
    "optimizer.precision": "float32",
    "schedule.epochs": EPOCHS,
    "evaluation.every": EPOCHS,
}
BACKBONES = {
    "OSNet": "osnet_x1_0",
    "full convolutions": "osnet_full_convolutions",
    "same depth, 2": "osnet_same_depth_2",
    "same depth, 3": "osnet_same_depth_3",
    "concatenation": "osnet_concatenation",
    "addition": "osnet_addition",
    "separate gates": "osnet_separate_gates",
    "gate for each stream": "osnet_stream_gate",
    "fixed gates": "osnet_fixed_gates",
    "one stream": "osnet_one_stream",
    "two streams": "osnet_two_streams",
    "three streams": "osnet_three_streams",
}

STUDY = Study(
    rows={
        name: Row("osnet_x0_25_market1501_dev", SETTINGS | {"model.backbone": backbone})
        for name, backbone in BACKBONES.items()
    },
    seeds=(0, 1, 2),
)
