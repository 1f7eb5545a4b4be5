import json
from dataclasses import replace

from scalereid.data.records import ReidDataset
from scalereid.runs.facts import DatasetFacts, RunDatasets, TrainedFacts, describe
from scalereid.runs.log import EpochLog
from scalereid.typed_json import from_json


def test_facts_are_those_of_the_dataset(people: ReidDataset) -> None:
    facts = describe(people)
    assert facts.fingerprint == people.fingerprint()
    assert facts.counts["train"].people == 6
    assert facts.counts["gallery"].images == 32
    assert facts.root == str(people.root.absolute())
    assert facts.protocol == "market1501"


def test_facts_survive_json(people: ReidDataset) -> None:
    facts = describe(people)
    assert from_json(DatasetFacts, json.loads(json.dumps(facts.to_json())), "dataset") == facts
    datasets = RunDatasets("/data", facts, facts)
    assert RunDatasets.from_json(json.loads(json.dumps(datasets.to_json()))) == datasets
    assert datasets.targets == (facts,)
    away = replace(facts, name="away")
    several = replace(datasets, also={"csv@away": away})
    assert RunDatasets.from_json(json.loads(json.dumps(several.to_json()))) == several
    assert several.targets == (facts, away)
    old = {
        name: value for name, value in datasets.to_json().items() if name != "also"
    }  # as it was before there were others
    assert RunDatasets.from_json(old) == datasets


def test_weights_travel_without_the_folder(people: ReidDataset) -> None:
    facts = describe(people)
    trained = TrainedFacts(EpochLog(3), facts)
    again = TrainedFacts.from_json(json.loads(json.dumps(trained.to_json())))
    assert again.epoch == 3
    assert again.dataset
    assert again.dataset.root == ""
    assert again.dataset.fingerprint == facts.fingerprint
    assert str(people.root) not in json.dumps(trained.to_json())


def test_released_weights_know_nothing() -> None:
    empty = TrainedFacts()
    assert empty.epoch is None
    assert TrainedFacts.from_json(empty.to_json()) == empty
