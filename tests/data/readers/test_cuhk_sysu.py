from pathlib import Path

import pytest

from scalereid.data.readers import cuhk_sysu
from tests.data.readers.files import touch


def test_for_training_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "cuhksysu" / "cropped_images", ["p1_s10_1.jpg", "p1_s20_1.jpg", "p22_s1_2.jpg"])
    with pytest.raises(ValueError, match=r"found 2 people, 3 images, but the dataset has 11,934 people, 34,574 images"):
        cuhk_sysu.read_cuhk_sysu(tmp_path)
    monkeypatch.setattr(cuhk_sysu, "_PUBLISHED", {"train": {"people": 2}})
    dataset = cuhk_sysu.read_cuhk_sysu(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 1), (1, 1), (22, 1)]
    assert (dataset.query, dataset.gallery) == ((), ())
