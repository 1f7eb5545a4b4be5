from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.crops import RandomCrops
from scalereid.data.readers.class_folders import read_class_folders


def paths_in(folder: Path) -> list[Path]:
    return [record.path for record in read_class_folders(folder).train]


def test_crops_depend_on_the_seed_and_the_place(class_images: Path) -> None:
    store = RandomCrops(paths_in(class_images), (16, 16), "resized-crop")
    batch = np.array([3, 3, 30])
    crops = store.read(batch, 7)
    assert crops.shape == (3, 16, 16, 3)
    np.testing.assert_array_equal(crops, store.read(batch, 7))
    assert (crops[0] != crops[1]).any()
    assert (crops != store.read(batch, 8)).any(axis=(1, 2, 3)).all()
    assert len(store) == 36 and store.pixels is None


@pytest.mark.usefixtures("second_of_two")
def test_a_process_decodes_its_own_rows(class_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RandomCrops(paths_in(class_images), (16, 16), "window")
    mine = store.read(np.arange(4), 0)
    for name in ("TORCHELASTIC_RUN_ID", "WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name)
    whole = store.read(np.arange(4), 0)
    np.testing.assert_array_equal(mine[1::2], whole[1::2])
    assert not mine[::2].any()


def test_an_image_that_cannot_be_read(class_images: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="x.png cannot be read"):
        RandomCrops([*paths_in(class_images)[:2], tmp_path / "x.png"], (16, 16), "window").read(np.arange(3), 0)
    assert Counter(path.parent.name for path in paths_in(class_images)) == {"blue": 12, "green": 12, "red": 12}
