from pathlib import Path

import pytest

from scalereid.data.readers.occluded_reid import read_occluded_reid
from tests.data.readers.files import touch


def test_occluded_queries_and_whole_gallery_images(tmp_path: Path) -> None:
    base = tmp_path / "Occluded_REID"
    for pid in range(1, 201):
        for folder in ("occluded_body_images", "whole_body_images"):
            touch(base / folder / f"{pid:03d}", [f"{pid:03d}_0{i}.tif" for i in range(1, 6)])
    touch(base / "whole_body_images" / "200", ["Thumbs.db"])
    dataset = read_occluded_reid(tmp_path)
    assert dataset.protocol == "all-cameras"
    assert [r.pid for r in dataset.query[:6]] == [1, 1, 1, 1, 1, 2]
    assert sum(dataset.left_out.values()) == 1
    (base / "whole_body_images" / "anna").mkdir()
    with pytest.raises(ValueError, match="anna: not a person's folder of Occluded-REID, which is a number"):
        read_occluded_reid(tmp_path)
