"""The ten splits of VIPeR: trained and scored on each, and averaged, as the papers do.

scalereid study studies/splits.py --data FOLDER --out runs/viper
"""

from scalereid.experiments.study import over_splits

STUDY = over_splits("osnet_market1501", "viper")
