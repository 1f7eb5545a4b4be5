from pathlib import Path

from tests.cli.conftest import Answer, Fail, Say


def test_retention_is_said_and_kept(gallery: Path, answer: Answer, say: Say, fail: Fail) -> None:
    number = answer("gallery", "stats", gallery)["sightings"]
    assert answer("gallery", "retention", gallery)["days"] is None
    say("gallery", "enrol", gallery, "1")
    rules = answer(
        "gallery", "retention", gallery, "--days", "1e-9", "--camera", "1=7", "2=keep", "--identity", "1=keep"
    )
    assert (rules["cameras"], rules["identities"]) == ({"1": 7.0, "2": None}, {"1": None})
    overdue = rules["overdue"]
    assert 1 not in overdue and 0 < len(overdue) < number and rules["deleted"] == []
    assert answer("gallery", "retention", gallery, "--camera", "2=none")["cameras"] == {"1": 7.0}
    said = say("gallery", "retention", gallery)
    assert "overdue. Delete them:" in said and "1e-09 days" in said
    deleted = answer("gallery", "retention", gallery, "--delete")["deleted"]
    assert set(deleted) >= set(overdue)
    assert answer("gallery", "stats", gallery)["sightings"] == number - len(deleted)
    assert answer("gallery", "retention", gallery, "--days", "none")["days"] is None
    for word in ("hall", "=3", "hall=x"):
        said = fail("gallery", "retention", gallery, "--camera", word, code=2)
        assert f"--camera is '{word}'; expected NAME=DAYS, such as NAME=30, or NAME=keep or NAME=none" in said
    for word in ("abc", "hall=7", "all=7", ""):
        said = fail("gallery", "retention", gallery, "--days", word, code=2)
        assert f"--days is '{word}'; expected a number of days, or keep or none" in said
    assert "expected the number of an identity" in fail("gallery", "retention", gallery, "--identity", "a=3", code=2)
    assert "does not exist" in fail("gallery", "retention", gallery, "--identity", "99=3")
    assert answer("gallery", "retention", gallery, "--identity", "01=365")["identities"] == {"1": 365.0}
    assert answer("gallery", "retention", gallery, "--identity", "01=none")["identities"] == {}
    for days in ("inf", "nan", "1e10"):
        said = fail("gallery", "retention", gallery, "--days", days)
        assert "days; expected more than 0 and at most 100,000" in said
        assert answer("gallery", "retention", gallery)["days"] is None
    assert "0 days; expected more than 0" in fail("gallery", "retention", gallery, "--days", "0")


def test_a_name_without_sightings_is_said(gallery: Path, answer: Answer, say: Say) -> None:
    say("gallery", "enrol", gallery, "1", "--name", "Anna")
    assert answer("gallery", "retention", gallery, "--days", "1e-9")["empty"] == []
    said = say("gallery", "retention", gallery, "--delete")
    assert "identity 1 Anna has no sightings, and is still in the list." in said
    assert f"gallery forget {gallery} --identity 1" in said
    assert answer("gallery", "retention", gallery)["empty"] == [1]
    assert answer("gallery", "forget", gallery, "--identity", "1")["forgotten"] == []
    assert answer("gallery", "retention", gallery)["empty"] == []


def test_what_is_in_a_gallery_and_wrong_with_it(gallery: Path, answer: Answer, say: Say, fail: Fail) -> None:
    stats = answer("gallery", "stats", gallery)
    assert stats["sightings"] == stats["embedded"] == stats["crops"] > 0
    assert f"{stats['fingerprint']}), not calibrated" in say("gallery", "stats", gallery)
    assert "nothing wrong" in say("gallery", "check", gallery)
    answer("gallery", "similar", gallery, "1")  # which writes the index
    file = next((gallery / "index").rglob("numbers-*.bin"))
    file.write_bytes(file.read_bytes()[:-8] + (99).to_bytes(8, "little"))
    said = fail("gallery", "check", gallery)
    assert "the index does not have the sightings that the database has; rebuild it" in said and "1 problem" in said
    assert answer("gallery", "rebuild", gallery)["sightings"] == stats["sightings"]
    assert "nothing wrong" in say("gallery", "check", gallery)
    (gallery / "ledger.sqlite").write_bytes(b"no database" * 1_000)
    assert "is damaged, or not a gallery" in fail("gallery", "stats", gallery)
