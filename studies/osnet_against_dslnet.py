"""OSNet and DSLNet at equal cost, with and without DSLNet's auxiliary branch, on people never seen.

    scalereid study studies/osnet_against_dslnet.py --data FOLDER --out runs/osnet-against-dslnet

FOLDER holds Market-1501's training images. 128×64, 40 epochs from scratch; each row has about 200,000 parameters and takes 21
million multiply-adds. They are four rows of docs/results.md.
"""

from scalereid import Row, Study

BASE, SHORT = "osnet_x0_25_market1501_dev", {"schedule.epochs": 40}
DSLNET = {"model.backbone": "dslnet", "model.width": 0.27}
AUXILIARY = {"objective.auxiliary": 1.0}

STUDY = Study(
    rows={
        "OSNet": Row(BASE, SHORT),
        "OSNet, auxiliary branch": Row(BASE, {**SHORT, **AUXILIARY}),
        "DSLNet": Row(BASE, {**SHORT, **DSLNET}),
        "DSLNet, auxiliary branch": Row(BASE, {**SHORT, **DSLNET, **AUXILIARY}),
    },
    seeds=(0, 1, 2),
)
