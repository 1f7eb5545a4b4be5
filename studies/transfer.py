"""Does instance norm help in an unseen domain? Market-1501 and CUHK03's first pair, in both directions.

    scalereid study studies/transfer.py --data FOLDER --out runs/transfer --results studies/results/transfer.json

FOLDER holds Market-1501's training images, `cuhk03-pair1` and the lists of CUHK03's new protocol.

Primary endpoint, fixed before the first run (2026-11-22): mAP in the unseen domain, OSNet-AIN's minus OSNet's, the
mean of the two directions; its interval is over people and seeds. All else is secondary: the other rows, each direction alone,
the scores within the domain.

A run is scored within its domain, on people held out of its dataset, and in the other, on all people there. So only 600 of
Market-1501's 751 people are trained on (`market1501-dev`), and 427 of CUHK03's 843: one training gives both scores, and a loss
within the domain can be told from one of transfer. An epoch of the one is 166 steps and of the other 64, so both have about
5,000 steps.

All rows: about 200,000 parameters, 128×64, from scratch, flip and colour jitter only, SGD at 0.065 with cosine decay, float32.
OSNet-AIN and DSLNet-AIN have the published genotype of OSNet-AIN, DSLNet-AIN also the auxiliary branch of DSLNet; at this width
its selection has one or two hidden units for each stream, so it is `transfer_x1_0.py` that says something of DSLNet.
Nothing starts from ImageNet weights, unlike every published row.

40 runs see 13 million images: 27 minutes at 8,000 images a second, which one H200 trains of this network. A core of a Xeon at
2.5 GHz trained 65 to 105 a second (shared with other work, 2026-11-22), so 34 to 55 hours; every 8 runs complete a seed.
EPOCHS=10 is a third of that: it names the epochs from Market-1501, those from CUHK03 follow, so that the steps are as many.

An anchor from outside, weights that know all of Market-1501 and nothing of CUHK03:

    scalereid evaluate osnet_x0_25_market1501.pth --data FOLDER --dataset cuhk03-pair1 cuhk03-pair1-all --distance cosine
"""

import os

from scalereid import Row, Study

EPOCHS = int(os.environ.get("EPOCHS", "30"))
RECIPE = "osnet_x0_25_market1501_dev"
SETTINGS = {
    "data.crop": 0.0,
    "data.erase": 0.0,
    "data.jitter": 1.0,
    "optimizer.precision": "float32",
    "evaluation.every": 1_000,  # the last epoch alone
}
OSNET, DSLNET = {**SETTINGS, "model.width": 0.25}, {**SETTINGS, "model.width": 0.27, "objective.auxiliary": 1.0}

STUDY = Study(
    rows={
        "OSNet": Row(RECIPE, {**OSNET, "model.backbone": "osnet_x1_0"}),
        "OSNet-IBN": Row(RECIPE, {**OSNET, "model.backbone": "osnet_ibn_x1_0"}),
        "OSNet-AIN": Row(RECIPE, {**OSNET, "model.backbone": "osnet_ain_x1_0"}),
        "DSLNet-AIN": Row(RECIPE, {**DSLNET, "model.backbone": "dslnet_ain"}),
    },
    seeds=(0, 1, 2, 3, 4),
    splits={
        "from Market-1501": {
            "data.dataset": "market1501-dev",
            "evaluation.also": ["cuhk03-pair1-all"],
            "schedule.epochs": EPOCHS,
            "schedule.warmup_epochs": EPOCHS // 10,
        },
        "from CUHK03": {
            "data.dataset": "cuhk03-pair1",
            "evaluation.also": ["market1501-all"],
            "schedule.epochs": round(2.6 * EPOCHS),
            "schedule.warmup_epochs": round(0.26 * EPOCHS),
        },
    },
)
