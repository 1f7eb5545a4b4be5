"""Attribute recognition as OSNet's authors do it (arXiv:1905.00953, supplement B and table 7), and the same on Market-1501."""

from dataclasses import replace

from scalereid.recipes.osnet import MARKET1501_DEV_SMALL, PAPER, SCRATCH
from scalereid.recipes.published import Published
from scalereid.recipes.toy import TOY
from scalereid.runs.recipe import DataSettings, EvaluationSettings, ObjectiveSettings, Recipe, ScheduleSettings

ALONE = ObjectiveSettings(cross_entropy=0.0, attributes=1.0)
TABLE_7_NOTE = f"{PAPER}, table 7: mA 74.6, accuracy 76.0, precision 88.3, recall 82.5, F1 85.3."
MAXIMUM_NOTE = (
    "Maximum in place of average pooling, as the authors' code trains it; which of both table 7 is of, it does not say."
)
LAST_NOTE = "Their code keeps the epoch with the best mA on the test images; here the last one counts."
MARKET_NOTE = "The settings for PA-100K on Market-1501's people; nothing published."
JOINT_NOTE = "People and attributes from one embedding; nothing published."

PA100K = replace(
    SCRATCH,
    data=DataSettings(dataset="pa100k", attributes="pa100k", batch_size=32, flip=0.5, crop=0.5),
    objective=ALONE,
    schedule=ScheduleSettings(epochs=50, decay="step", steps=(30, 40)),
    evaluation=EvaluationSettings(every=10, best="mA"),
)
MARKET1501 = replace(PA100K, data=replace(PA100K.data, dataset="market1501", attributes="market1501"))
JOINT = replace(
    SCRATCH, data=replace(SCRATCH.data, attributes="market1501"), objective=ObjectiveSettings(attributes=1.0)
)
DEV = replace(
    MARKET1501_DEV_SMALL,
    data=replace(MARKET1501_DEV_SMALL.data, attributes="market1501"),
    objective=ALONE,
    evaluation=replace(MARKET1501_DEV_SMALL.evaluation, best="mA"),
)
DEV_JOINT = replace(DEV, objective=ObjectiveSettings(attributes=1.0), evaluation=MARKET1501_DEV_SMALL.evaluation)
TOY_ATTRIBUTES = replace(
    TOY,
    data=replace(TOY.data, attributes="toy"),
    objective=ALONE,
    evaluation=replace(TOY.evaluation, best="mA"),
)


def _with_maximum(recipe: Recipe) -> Recipe:
    return replace(recipe, model=replace(recipe.model, pooling="max"))


PUBLISHED = {
    "attributes_toy": Published(TOY_ATTRIBUTES, "", None, ("Drawn people, for trying things out.",)),
    "attributes_pa100k": Published(PA100K, "", None, (TABLE_7_NOTE, LAST_NOTE)),
    "attributes_pa100k_maximum": Published(_with_maximum(PA100K), "", None, (TABLE_7_NOTE, MAXIMUM_NOTE, LAST_NOTE)),
    "attributes_market1501": Published(MARKET1501, "", None, (MARKET_NOTE,)),
    "attributes_market1501_maximum": Published(_with_maximum(MARKET1501), "", None, (MARKET_NOTE,)),
    "attributes_market1501_joint": Published(JOINT, "", None, (JOINT_NOTE,)),
    "attributes_market1501_dev": Published(DEV, "", None, ("What two cores manage within hours; nothing published.",)),
    "attributes_market1501_dev_joint": Published(DEV_JOINT, "", None, (JOINT_NOTE,)),
}
