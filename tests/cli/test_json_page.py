from scalereid.cli.commands import COMMANDS
from tests.cli.json_page import documented, section, undocumented


def test_every_command_that_prints_results_is_documented() -> None:
    assert {name.partition(" --")[0] for name in documented()} == COMMANDS.keys() - {"completion", "gallery serve"}
    assert all(documented().values())


def test_keys_that_differ_from_the_page_are_found() -> None:
    counts = {"people": 1, "images": 2, "cameras": 3, "tracklets": 0}
    finding = {"severity": "note", "kind": "x", "message": "y", "examples": ["z"]}
    document = {
        "root": "r", "readable_as": [], "dataset": None, "protocol": None, "counts": {"train": counts, "query": counts},
        "findings": [finding], "written": None,
    }  # fmt: skip
    assert undocumented("data check", document) == set()
    assert undocumented("data check", document | {"more": 1}) == {"more"}
    assert undocumented("data check", document | {"findings": [{"kind": "x"}]}) == {
        "findings[].severity", "findings[].message", "findings[].examples",
    }  # fmt: skip


def test_an_option_may_have_a_section_of_its_own() -> None:
    assert section(["calibrate", "runs/x", "--data", "data"]) == "calibrate"
    assert section(["calibrate", "runs/x", "--pairs", "pairs.csv"]) == "calibrate --pairs"
    assert section(["data", "check", "data"]) == "data check"
