from scalereid.cli.commands import COMMANDS
from tests.cli.json_page import documented, undocumented


def test_every_command_that_prints_results_is_documented() -> None:
    assert documented().keys() == COMMANDS.keys() - {"completion"}
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
