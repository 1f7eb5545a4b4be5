"""Does what a search finds on one place transfer? `transfer.py` with the genotypes of two searches, one on each place.

    SMALL="--data.batch-size 64 --optimizer.lr 0.05 --model.width 0.25 --data.image-size 64 32"
    scalereid nas nas_msmt17 --data FOLDER --out runs/searches/market1501 --data.dataset market1501-dev $SMALL
    scalereid nas nas_msmt17 --data FOLDER --out runs/searches/cuhk03 --data.dataset cuhk03-pair1 $SMALL \\
        --schedule.epochs 312 --search.halve-every 52
    SEARCHES=runs/searches scalereid study studies/transfer_searched.py --data FOLDER --out runs/transfer-searched \\
        --results studies/results/transfer.json

The published search, a mixture of all placements over 120 epochs, of a small network and in small batches; 312 epochs of CUHK03
have as many steps. Without SEARCHES the study takes what was found for docs/results.md, `studies/results/searches`.
The rows of `transfer.py` come from its results.

Secondary to `transfer.py`: mAP in the unseen domain of each genotype minus that of OSNet, the mean of the two directions, and
of the genotype searched on the training dataset minus the other. The last two rows, added when the others had run (2026-11-23),
ask which part does it: instance norm in the stem, which all three genotypes have and no search chooses, or in the blocks.
"""

import os
from dataclasses import replace
from pathlib import Path

from scalereid import Row
from scalereid.experiments.study import load_study
from scalereid.models.genotype import AIN, PLAIN, Genotype

HERE = Path(__file__).parent
SEARCHES = Path(os.environ.get("SEARCHES", HERE / "results" / "searches"))
TRANSFER = load_study(HERE / "transfer.py")
OSNET = TRANSFER.rows["OSNet"]


def placed(genotype: Genotype) -> Row:
    """OSNet with instance norm where a genotype puts it."""
    return Row(OSNET.base, {**OSNET.changes, "model.genotype": genotype.words})


def searched(place: str) -> Row:
    """OSNet with the genotype that was found on a place."""
    return placed(Genotype.load(SEARCHES / place / "genotype.json"))


STUDY = replace(
    TRANSFER,
    rows={
        "OSNet": OSNET,
        "OSNet-AIN": TRANSFER.rows["OSNet-AIN"],
        "searched on Market-1501": searched("market1501"),
        "searched on CUHK03": searched("cuhk03"),
        "stem alone": placed(replace(PLAIN, stem="instance")),
        "published, not in the stem": placed(replace(AIN, stem="batch")),
    },
)
