"""Does random erasing help? Drawn people, offline, a few minutes on two cores.

scalereid study studies/erasing.py --data data --out runs/erasing --jobs 2
"""

from scalereid import Row, Study

SMALL = {"data.image_size": (64, 32), "schedule.epochs": 12}

STUDY = Study(
    rows={
        "erasing": Row("toy", SMALL),
        "no erasing": Row("toy", {**SMALL, "data.erase": 0.0}),
    },
    seeds=(0, 1, 2),
)
