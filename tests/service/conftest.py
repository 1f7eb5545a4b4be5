"""A gallery that is served, and a client of it."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's own, of its next test client
    from fastapi.testclient import TestClient

from scalereid.gallery.gallery import Gallery
from scalereid.service.app import create_app
from scalereid.service.limits import Limits
from tests.gallery.test_gallery import TORCH, crops, filled  # noqa: F401 - fixtures
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures

TOKEN = "a token of sixteen"
LIMITS = Limits(body=200_000, pixels=100_000, pictures=3, rate=1e6, burst=1_000_000)


@pytest.fixture
def gallery(filled: Path, tmp_path: Path) -> Gallery:  # noqa: F811
    shutil.copytree(filled, tmp_path / "people.gallery")
    return Gallery(tmp_path / "people.gallery", options=TORCH)


@pytest.fixture
def client(gallery: Gallery) -> Iterator[TestClient]:
    """Of a service for this machine alone."""
    with TestClient(create_app(gallery, limits=LIMITS), base_url="http://localhost") as found:
        yield found


@pytest.fixture
def picture(gallery: Gallery) -> bytes:
    """That of the first sighting."""
    content = gallery.ledger.crop(1)
    assert content
    return content
