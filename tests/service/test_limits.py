import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from scalereid.gallery.gallery import Gallery
from scalereid.service.app import create_app
from scalereid.service.limits import LimitedBody, Limits, RateLimit
from tests.service.conftest import LIMITS


def test_large_requests_are_refused(client: TestClient) -> None:
    big = client.post("/api/search", files={"pictures": ("x.jpg", bytes(LIMITS.body + 1))})
    assert big.status_code == 413
    assert "has more than 0.19" in big.json()["error"] and "send fewer or smaller pictures" in big.json()["error"]

    def parts() -> Iterator[bytes]:  # without saying how many
        for _ in range(300):
            yield bytes(1_000)

    streamed = client.post("/api/search", content=parts(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert streamed.status_code == 413
    assert client.post("/api/search", content=b"", headers={"content-length": "-5"}).status_code == 413


def test_what_has_no_pictures_is_smaller(gallery: Gallery) -> None:
    client = TestClient(create_app(gallery, limits=Limits(other_body=1_000)), base_url="http://localhost")
    refused = client.post("/api/forget", json={"sightings": [1] * 1_000})
    assert refused.status_code == 413 and "has more than 0.00095" in refused.json()["error"]
    assert client.post("/api/search", files={"pictures": ("x.jpg", bytes(2_000))}).status_code == 400


async def _ask(app: LimitedBody, messages: list[Message | float]) -> list[Message]:
    """What an app answers to a request that arrives in these parts, with pauses in seconds between them."""
    sent: list[Message] = []
    remaining = iter(messages)

    async def receive() -> Message:
        for each in remaining:
            if isinstance(each, float):
                await asyncio.sleep(each)
            else:
                return each
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
    return sent


async def _read_all(_: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message["body"])
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        (
            [{"type": "http.request", "body": b"12345", "more_body": True}, {"type": "http.request", "body": b"12345"}],
            200,
        ),
        (
            [
                {"type": "http.request", "body": b"12345", "more_body": True},
                {"type": "http.request", "body": b"123456"},
            ],
            413,
        ),
        ([{"type": "http.request", "body": b"1", "more_body": True}, 1.0, {"type": "http.request", "body": b"1"}], 408),
    ],
)
def test_bodies_are_counted_and_timed_as_they_come(messages: list[Message | float], status: int) -> None:
    sent = asyncio.run(_ask(LimitedBody(_read_all, Limits(body=10, seconds=0.2)), messages))
    assert sent[0]["status"] == status


def test_each_client_has_its_rate() -> None:
    limit = RateLimit(_read_all, Limits(rate=2, burst=3))
    assert [limit.wait("a", 0.0) for _ in range(3)] == [0, 0, 0]
    assert limit.wait("a", 0.0) == pytest.approx(0.5)
    assert limit.wait("b", 0.0) == 0
    assert limit.wait("a", 0.25) == pytest.approx(0.25)
    assert limit.wait("a", 0.5) == 0
    assert [limit.wait("a", 100.0) for _ in range(4)] == [
        0,
        0,
        0,
        pytest.approx(0.5),
    ]  # no more than the burst is saved
    for number in range(20_000):
        limit.wait(str(number), 0.0)
    assert len(limit.buckets) == RateLimit._MOST


def test_who_asks_too_often_is_told_when_to_come_back(gallery: Gallery) -> None:
    client = TestClient(create_app(gallery, limits=Limits(rate=0.5, burst=2)), base_url="http://localhost")
    assert [client.get("/api/health").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/api/health")
    assert "try again in" in refused.json()["error"]
    assert 1 <= int(refused.headers["retry-after"]) <= 3


@pytest.mark.parametrize("name", ["body", "other_body", "seconds", "pixels", "pictures", "rate", "burst"])
def test_limits_are_above_0(name: str) -> None:
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"^{name} is .*; expected a number above 0"):
            Limits(**{name: wrong})  # type: ignore[arg-type]
