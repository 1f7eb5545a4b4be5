"""Settings with a name: `scalereid train NAME`."""

from scalereid.recipe import Recipe
from scalereid.recipes import osnet, toy

RECIPES: dict[str, Recipe] = {
    "toy": toy.TOY,
    "osnet_market1501": osnet.MARKET1501_SCRATCH,
    "osnet_market1501_finetuned": osnet.MARKET1501_FINETUNED,
    "osnet_x0_25_market1501_dev": osnet.MARKET1501_DEV_SMALL,
}

# Published scores are rank-1 / mAP in per cent.
ABOUT: dict[str, str] = {
    "toy": "drawn people, for trying things out",
    "osnet_market1501": "from scratch; published 93.6 / 81.0, Euclidean (arXiv:1905.00953, table 3)",
    "osnet_market1501_finetuned": "from ImageNet weights; published 94.8 / 84.9, Euclidean (arXiv:1905.00953, table 3)",
    "osnet_x0_25_market1501_dev": "what two cores manage within the hour; nothing published, see docs/results.md",
}
