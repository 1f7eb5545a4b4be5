"""The page's files, as they are sent."""

import re

import pytest
from fastapi.testclient import TestClient

from scalereid.service.page import FILES


def test_only_the_page_s_own_scripts_and_styles_may_run(client: TestClient) -> None:
    answer = client.get("/")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert not re.search(r"<script>|<style>| style=| on\w+=|https?:", answer.text)


def test_every_file_that_is_named_is_there(client: TestClient) -> None:
    named = set(re.findall(r'(?:src|href)="(page/[^"]+)"', client.get("/").text))
    for file in FILES.glob("*.js"):
        text = file.read_text()
        named |= {f"page/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://", text), (
            file.name
        )
    for name in named:
        answer = client.get(f"/{name}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), name
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert {f"page/{file.name}" for file in FILES.iterdir()} == named | {"page/index.html"}
    assert client.get("/page/main.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    ["/page/../page.py", "/page/%2e%2e/page.py", "/page/..%2fpage.py", "/page//etc/passwd", "/page/none.js", "/page/"],
)
def test_no_other_file_is_sent(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
