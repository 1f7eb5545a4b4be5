"""compose.yaml and the Dockerfile say what the command line takes. They cannot be started here."""

import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from scalereid.cli.parsing import parse

ROOT = Path(__file__).parent.parent
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")


@pytest.fixture(scope="module")
def compose() -> Any:
    text = (ROOT / "compose.yaml").read_text()
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)  # what is not set has its default
    return yaml.safe_load(re.sub(r"\$\{(\w+):\?[^}]*\}", r"secret", text))


def test_the_service_starts_by_words_that_the_command_line_knows(compose: Any) -> None:
    call = parse(compose["services"]["gallery"]["command"])
    options = call.keywords["options"]
    assert call.keywords["gallery"].startswith("postgresql://scalereid@postgres/")
    assert options.tokens == Path("/run/secrets/tokens") and options.host == "0.0.0.0"
    copies = {f"scalereid-gallery-{i + 1}" for i in range(compose["services"]["gallery"]["deploy"]["replicas"])}
    assert set(options.allow_host) == {"localhost", "127.0.0.1"} | copies  # the others for who asks whether it is ready
    (subnet,) = compose["networks"]["default"]["ipam"]["config"]
    assert [ip_network(each) for each in options.proxy] == [ip_network(subnet["subnet"])]
    assert f"127.0.0.1:{options.port}/api/ready" in compose["services"]["gallery"]["healthcheck"]["test"][-1]


def test_the_proxy_knows_every_copy(compose: Any) -> None:
    copies = compose["services"]["gallery"]["deploy"]["replicas"]
    settings = compose["configs"]["caddy"]["content"]
    named = re.search(r"reverse_proxy (.*) \{", settings)
    assert named and named[1].split() == [f"{compose['name']}-gallery-{i + 1}:8000" for i in range(copies)]
    assert "health_uri /api/ready" in settings
    assert settings.count("{") == settings.count("}")


def test_what_is_named_is_there(compose: Any) -> None:
    for name, service in compose["services"].items():
        volumes = [each.split(":")[0] for each in service.get("volumes", ()) if not each.startswith((".", "/"))]
        assert set(volumes) <= compose["volumes"].keys(), name
        assert set(service.get("depends_on", ())) <= compose["services"].keys()
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert all(each["source"] in compose["configs"] for each in service.get("configs", ()))
        published = [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
        assert name == "proxy" or not published  # nothing else answers other machines


def test_the_image_has_extras_that_there_are() -> None:
    text = (ROOT / "Dockerfile").read_text()
    found = re.search(r"/source\[([\w,]+)\]", text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (
        found
        and {"serve", "postgresql", "milvus"} <= set(found[1].split(",")) <= project["optional-dependencies"].keys()
    )
    assert f'"{project["dependencies"][0]}"' in text  # of the same torch
    assert 'ENTRYPOINT ["scalereid"]' in text
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        assert line == "*" or (ROOT / line.removeprefix("!")).exists()
