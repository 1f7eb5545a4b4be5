"""Places never seen: train on all datasets but one, score on that one, for OSNet with and without instance norm.

    scalereid study studies/leave_one_out.py --data FOLDER --out runs/unseen

FOLDER holds a folder of images for each dataset: market, cuhk and own, each with a dataset.csv.
"""

from scalereid import Row, Study
from scalereid.experiments.study import leave_one_out

RECIPE, DATASETS = "osnet_market1501", ["csv@market", "csv@cuhk", "csv@own"]

STUDY = Study(
    rows={
        "OSNet": Row(RECIPE),
        "OSNet-IBN": Row(RECIPE, {"model.backbone": "osnet_ibn_x1_0"}),
        "OSNet-AIN": Row(RECIPE, {"model.backbone": "osnet_ain_x1_0"}),
    },
    splits=leave_one_out(RECIPE, DATASETS).splits,
    metric="rank-1",
)
