"""Is it a matter of the optimizer that instance norm does not transfer? `transfer.py` with the AMSGrad of OSNet-AIN's paper.

    EPOCHS=10 scalereid study studies/transfer_amsgrad.py --data FOLDER --out runs/transfer-amsgrad \\
        --results studies/results/transfer-small.json

The paper trains with it from ImageNet weights, at 0.0015 with cosine decay. Here everything else is as in `transfer.py`, from
scratch: data, directions, length, cosine decay and EPOCHS.

Secondary to `transfer.py`, and added when that had run by SGD (2026-11-23): mAP in the unseen domain, OSNet-AIN's minus that of
OSNet, the mean of the two directions.
"""

from dataclasses import replace
from pathlib import Path

from scalereid import Row
from scalereid.experiments.study import load_study

TRANSFER = load_study(Path(__file__).with_name("transfer.py"))
AMSGRAD = {"optimizer.name": "amsgrad", "optimizer.lr": 0.0015}

STUDY = replace(
    TRANSFER,
    rows={
        f"{name}, AMSGrad": Row(TRANSFER.rows[name].base, {**TRANSFER.rows[name].changes, **AMSGRAD})
        for name in ("OSNet", "OSNet-AIN")
    },
    baseline="",
)
