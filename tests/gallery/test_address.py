from pathlib import Path

import pytest

from scalereid.gallery.address import new_ledger, open_ledger


@pytest.mark.parametrize("name", ["who?", "a?b=c", "50%", "a%20b", "a b", "a#b", "@:", "日本"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    with new_ledger(tmp_path / name):
        pass
    ledger = open_ledger(tmp_path / name)
    assert (ledger.count(), ledger.name) == (0, str(tmp_path / name / "ledger.sqlite"))
    ledger.close()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "ledger.sqlite").is_file()
