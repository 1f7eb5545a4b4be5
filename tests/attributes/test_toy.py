from pathlib import Path

import numpy as np

from scalereid.attributes import read_attributes
from scalereid.data.toy import TOY_SETS, draw_toy, toy_people
from scalereid.data.toy.camera import CAMERAS, photograph
from scalereid.data.toy.people import draw_people


def test_the_attributes_are_of_those_who_are_drawn(tmp_path: Path) -> None:
    """The last of them, too: drawn as its first picture is, before any camera has drawn a number."""
    people = toy_people("toy")
    table = read_attributes("toy", tmp_path)
    assert [*table.rows] == list(range(1, 141))
    has = dict(zip(table.names, table.rows[140], strict=True))
    assert has["backpack"] == (people[139].bag == "backpack")
    assert has["long-sleeves"] == people[139].long_sleeves
    assert sum(has[name] for name in ("trousers", "shorts", "skirt")) == 1
    rows = np.array([*table.rows.values()])
    assert (rows[:100].any(axis=0) & rows[100:].any(axis=0)).all()  # each is there in training and in the test
    assert not rows.all(axis=0).any()

    drawn = draw_toy(tmp_path / "toy", train_people=2, test_people=0, cameras=CAMERAS[:1])
    rng = np.random.default_rng(TOY_SETS["toy"].seed)
    photograph(draw_people(2, rng)[0], CAMERAS[0], rng).save(tmp_path / "x.jpg", quality=92)
    assert (tmp_path / "x.jpg").read_bytes() == drawn.train[0].path.read_bytes()
    assert toy_people("toy")[:2] == draw_people(2, np.random.default_rng(TOY_SETS["toy"].seed))
