"""OSNet's tables 8 and 9: do several streams, and the gate, classify better? One thing changed at a time, on CIFAR-10.

    scalereid study studies/cifar10.py --data FOLDER --out runs/tables8-9 --results studies/results/cifar10.json
    SMALL=1 scalereid study studies/cifar10.py --data FOLDER --out runs/cifar10-small

FOLDER holds CIFAR-10. Published errors after 200 epochs: 4.41 %, with one stream 5.49 %, with addition 4.72 %. With SMALL,
networks of a quarter of the channels are trained for four epochs, on the 32×32 pixels enlarged to 64×64: 4 to 9 minutes a run
on one core.

Endpoints, fixed before the first run (2026-11-23): top-1 of each other row minus that of "OSNet", on the 10,000 test images.
"""

import os
from typing import Any

from scalereid import Row, Study

SMALL = os.environ.get("SMALL", "") not in ("", "0")
RECIPE = "cifar10_osnet_small" if SMALL else "cifar10_osnet"
SETTINGS: dict[str, Any] = {"model.width": 0.25} if SMALL else {}
BACKBONES = {
    "OSNet": "osnet_x1_0" if SMALL else "osnet_cifar",
    "one stream": "osnet_one_stream" if SMALL else "osnet_cifar_one_stream",
    "addition": "osnet_addition" if SMALL else "osnet_cifar_addition",
}

STUDY = Study(
    rows={name: Row(RECIPE, SETTINGS | {"model.backbone": backbone}) for name, backbone in BACKBONES.items()},
    seeds=(0, 1, 2),
    metric="top-1",
)
