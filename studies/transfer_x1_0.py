"""The rows of `transfer.py` at full width and 256×128, three seeds, about 4,000 steps; the same endpoint, here a secondary one.

    scalereid study studies/transfer_x1_0.py --data FOLDER --out runs/transfer-x1-0 --results studies/results/transfer-x1-0.json

24 runs see 6 million images: 29 minutes at 3,500 images a second, which one H200 trains of OSNet x1.0 in captured steps. The
published lengths, 100 epochs from ImageNet weights and 350 from scratch, would take 1.4 and 5 hours.
"""

from dataclasses import replace
from pathlib import Path

from scalereid import Row
from scalereid.experiments.study import load_study

SMALL = load_study(Path(__file__).with_name("transfer.py"))
FULL = {"model.width": 1.0, "data.image_size": (256, 128)}
EPOCHS = {"from Market-1501": 24, "from CUHK03": 62}

STUDY = replace(
    SMALL,
    rows={name: Row(row.base, {**row.changes, **FULL}) for name, row in SMALL.rows.items()},
    seeds=(0, 1, 2),
    splits={name: {**chosen, "schedule.epochs": EPOCHS[name]} for name, chosen in SMALL.splits.items()},
)
