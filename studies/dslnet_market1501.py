"""The rows of `dslnet_against_osnet.py` on the 600 and 151 people of `market1501-dev`, three seeds; the same primary endpoint.

scalereid study studies/dslnet_market1501.py --data FOLDER --out runs/market1501 --results studies/results/market1501.json
"""

from dataclasses import replace
from pathlib import Path

from scalereid.experiments.study import load_study

STUDY = replace(
    load_study(Path(__file__).with_name("dslnet_against_osnet.py")),
    seeds=(0, 1, 2),
    splits={"market1501-dev": {"data.dataset": "market1501-dev"}},
)
