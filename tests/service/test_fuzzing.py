"""Whatever is sent to any operation, valid or not, is answered as its description says, and never by a failure of ours."""

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
from fastapi.testclient import TestClient
from schemathesis.checks import CHECKS, load_all_checks

from scalereid.gallery.gallery import Gallery
from scalereid.service.app import create_app
from scalereid.service.questions import New, PictureQuestion
from tests.gallery.conftest import postgres  # noqa: F401 - fixture
from tests.gallery.test_gallery import RULE, TORCH, crops, filled  # noqa: F401 - fixtures
from tests.inference.conftest import run  # noqa: F401 - fixture
from tests.service.conftest import LIMITS

load_all_checks()
MODES = list(schemathesis.GenerationMode)
FORMS: dict[str, tuple[str, str, Any]] = {
    "/api/search": ("pictures", "question", PictureQuestion),
    "/api/sightings": ("picture", "seen", New),
}
EXCLUDED = [  # which sightings there are, and whether a file is a picture, no description of types can say
    CHECKS.get_one("positive_data_acceptance")
]
HOW_MANY = {"sqlite": 40, "postgresql": 15}
ROOMY = replace(LIMITS, body=8 * 1024**2)  # no description of types can say what is too large
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engines)])
def served(
    request: pytest.FixtureRequest, filled: Path, run: Path, crops: Path, tmp_path_factory: pytest.TempPathFactory  # noqa: F811
) -> Iterator[TestClient]:  # fmt: skip
    """A client of a service whose gallery any test of this file may change."""
    if request.param == "sqlite":
        where = str(tmp_path_factory.mktemp("fuzzed") / "people.gallery")
        shutil.copytree(filled, where)
    else:
        where = request.getfixturevalue("postgres").url("fuzzed")
        with Gallery.create(where, run, index="pgvector", options=TORCH) as gallery:
            gallery.add(crops, RULE)
    with TestClient(create_app(Gallery(where, options=TORCH), limits=ROOMY), base_url="http://localhost") as client:
        client.headers["x-ledger"] = request.param
        yield client


def operations(description: Any) -> list[Any]:
    return [found.ok() for found in schemathesis.openapi.from_dict(description).get_all_operations()]


def ask(client: TestClient, operation: Any, mode: Any, form: tuple[str, str, Any] | None = None) -> list[str]:
    """What is wrong with answers to requests that are drawn; of a form, to JSON in one of its fields beside a picture."""
    wrong = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=HOW_MANY[client.headers["x-ledger"]], deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def each(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://localhost")
        if form:
            picture, field, _ = form
            text = json.dumps(sent.pop("json", None)).encode()
            sent |= {"headers": {}, "files": {picture: ("x.png", image(len(text)))}, "data": {field: text}}
        made = requests.Request(**sent).prepare()
        answer = client.request(str(made.method), str(made.url), headers=made.headers, content=made.body or b"")
        try:
            if form:
                assert answer.status_code < 500
            else:
                case.validate_response(answer, excluded_checks=EXCLUDED)
            if answer.status_code >= 400:
                assert answer.json().keys() == {"error"} and answer.json()["error"]
        except Exception as error:
            wrong.append(f"{operation.label}: {error}\n{str(sent)[:500]}\n{answer.status_code} {answer.text[:500]}")

    each()
    return wrong


def image(seed: int) -> bytes:
    """A picture of its own."""
    content = BytesIO()
    Image.new("RGB", (32, 64), (seed % 256, seed // 256 % 256, 0)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("mode", MODES)
def test_every_operation_answers_as_is_described(served: TestClient, mode: Any) -> None:
    found = operations(served.get("/api/openapi.json").json())
    taking = [each for each in found if each.body or each.path_parameters or each.query] if mode != MODES[0] else found
    assert len(found) > 15 and len(taking) > 8
    assert [wrong for each in taking for wrong in ask(served, each, mode)] == []


@pytest.mark.parametrize("mode", MODES)
def test_fields_of_forms_are_checked_as_bodies_are(served: TestClient, mode: Any) -> None:
    description = deepcopy(served.get("/api/openapi.json").json())
    described = {path: description["paths"][path]["post"] for path in FORMS}
    for path, (_, _, model) in FORMS.items():
        described[path]["requestBody"]["content"] = {"application/json": {"schema": model.model_json_schema()}}
    description["paths"] = {path: {"post": each} for path, each in described.items()}
    assert [wrong for each in operations(description) for wrong in ask(served, each, mode, FORMS[each.path])] == []
