"""Does a small pre-training help people to be found? CIFAR-10 enlarged to 64×64, and drawn people, as a start for Market-1501.

    scalereid train cifar10_osnet_small --data FOLDER --out runs/pretraining/cifar10
    scalereid train toy --data TOY --out runs/pretraining/toy
    scalereid study studies/pretraining.py --data FOLDER --out runs/pretraining/study --results studies/results/pretraining.json

FOLDER holds CIFAR-10 and Market-1501's training images, TOY is where people are drawn. START names another folder than
`runs/pretraining` for the first two runs, EPOCHS another number of epochs than 15 for the runs that follow.

Primary endpoint, fixed before the first run (2026-11-22): mAP on `market1501-dev` from CIFAR-10 minus that from scratch, by
the recipe's SGD. All else is secondary: drawn people as a start, and AMSGrad, with which ImageNet weights are fine-tuned. The
same weights start all seeds, so the interval, over people and seeds, is of these weights and not of other pre-trainings.

18 runs of 15 epochs see 2.9 million images of 128×64: 9 hours at 90 a second, which a core of a Xeon at 2.5 GHz trains.
"""

import os

from scalereid import Row, Study

RECIPE = "osnet_x0_25_market1501_dev"
EPOCHS, START = int(os.environ.get("EPOCHS", "15")), os.environ.get("START", "runs/pretraining")
SGD = {"schedule.epochs": EPOCHS, "evaluation.every": EPOCHS, "optimizer.precision": "float32"}
AMSGRAD = {**SGD, "optimizer.name": "amsgrad", "optimizer.lr": 0.0015}
STARTS = {
    "from scratch": "",
    "from CIFAR-10": f"{START}/cifar10/last.safetensors",
    "from drawn people": f"{START}/toy/last.safetensors",
}

STUDY = Study(
    rows={
        f"{name}{ending}": Row(RECIPE, {**settings, "model.initial_weights": weights})
        for ending, settings in (("", SGD), (", AMSGrad", AMSGRAD))
        for name, weights in STARTS.items()
    },
    seeds=(0, 1, 2),
)
