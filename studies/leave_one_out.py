"""Places never seen: train on all datasets but one, score on that one, for OSNet with and without instance norm.

    scalereid study studies/leave_one_out.py --data FOLDER --out runs/unseen

FOLDER holds a folder of images for each dataset: market, cuhk and own, each with a dataset.csv. The recipes have flips and
colour jitter alone, since erasing and patches lower the scores where nothing was trained. They fine-tune: whoever has
ImageNet weights names them in the place of FROM_SCRATCH, each row its own, as `model.initial_weights`.
"""

from scalereid import Row, Study
from scalereid.experiments.study import leave_one_out

DATASETS = ["csv@market", "csv@cuhk", "csv@own"]
FROM_SCRATCH = {"schedule.classifier_only_epochs": 0}

STUDY = Study(
    rows={
        "OSNet": Row("osnet_others_to_market1501", FROM_SCRATCH),
        "OSNet-IBN": Row("osnet_ibn_others_to_market1501", FROM_SCRATCH),
        "OSNet-AIN": Row("osnet_ain_others_to_market1501", FROM_SCRATCH),
    },
    splits=leave_one_out("osnet_others_to_market1501", DATASETS).splits,
    metric="rank-1",
)
