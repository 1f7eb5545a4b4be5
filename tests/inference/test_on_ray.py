"""Shards from a Ray cluster of two nodes on this machine; tests of the class `engines` start it."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.data.shapes import ShapeCount
from scalereid.inference import on_ray
from scalereid.inference.embed_files import embed_files
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import Item
from scalereid.inference.on_ray import OnRay, _Model, _Worker, connected
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.parts import EmbedParts, in_turn
from scalereid.progress import Progress

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own

SHARD = 10
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "node_ip_address": "127.0.0.1"}


class Watching(Progress):
    """Calls a function after each shard with the number of images so far."""

    def __init__(self, then: Callable[[int], None] = lambda _: None) -> None:
        super().__init__(Console(quiet=True))
        self.then, self.done = then, 0
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def stage(self, what: str, images: int) -> Iterator[Any]:  # noqa: ARG002
        def advance(images: int, detail: str = "") -> None:  # noqa: ARG001
            if images:
                self.done += images
                self.then(self.done)

        yield advance


@pytest.fixture(scope="module")
def embedder(run: Path) -> Embedder:
    return Embedder(run, runtime="torch")


@pytest.fixture
def items(people: ReidDataset, tmp_path: Path) -> list[Item]:
    """All images of people, a picture of a landscape, and two files that are no images."""
    found = [Item(str(record.path), record.pid, record.camid) for record in people.gallery + people.train]
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        (tmp_path / "images" / f"{name}.jpg").write_text("no image")
    Image.new("RGB", (200, 100)).save(tmp_path / "images" / "wide.png")
    odd = [Item(str(tmp_path / "images" / name)) for name in ("a.jpg", "wide.png", "b.jpg", "gone.jpg")]
    return [*found[:3], odd[0], *found[3:17], *odd[1:], *found[17:]]


class Nodes(NamedTuple):
    cluster: Any
    first: Any
    second: Any


@pytest.fixture(scope="module")
def nodes(cache: Path) -> Iterator[Nodes]:
    """Two nodes of one CPU each, of which nothing is open to other machines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # as on these systems: all on the loopback address
        patch.setenv("SCALEREID_CACHE", str(cache))
        patch.setenv("OMP_NUM_THREADS", "1")
        pytest.importorskip("ray", reason="Ray is not installed: pip install 'scalereid[ray]'")  # reads them
        from ray.cluster_utils import Cluster

        health = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5}
        head = NODE | {"include_dashboard": False, "_system_config": health}
        try:
            cluster = Cluster(initialize_head=True, head_node_args=head)
        except Exception:  # Ray waits 30 s for its processes, and a cold disk may take longer to load them
            cluster = Cluster(initialize_head=True, head_node_args=head)
        second = cluster.add_node(**NODE)
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield Nodes(cluster, cluster.head_node, second)
        cluster.shutdown()


@pytest.fixture
def engine(nodes: Nodes, run: Path) -> Iterator[OnRay]:  # noqa: ARG001
    with connected():
        yield OnRay(source=str(run), options=RuntimeOptions())


def kept(embedder: Embedder, items: list[Item], out: Path, engine: EmbedParts, **options: Any) -> dict[str, bytes]:
    """The bytes of the table, and of the shards that it is made of."""
    found: dict[str, bytes] = {}

    def keep(folder: Path) -> None:
        found.update({file.name: file.read_bytes() for file in folder.iterdir()})
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scalereid.inference.embed_files.remove_folder", keep)
        left_out = embed_files(embedder, items, out, on_error="report", shard=SHARD, engine=engine, **options)
    found |= {"left out": "\n".join(left_out).encode(), "table": out.read_bytes()}
    out.unlink()
    return found


@pytest.fixture
def expected(embedder: Embedder, items: list[Item], tmp_path: Path) -> dict[str, bytes]:
    """What one process writes: eleven shards, the job's description, the table, and what was left out."""
    return kept(embedder, items, tmp_path / "x.npz", in_turn)


def workers(node: Any) -> list[int]:
    """The processes of a node that embed."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for number in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
        with suppress(OSError):
            if b"_Worker" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(int(number))
    return found


@pytest.mark.engines
def test_the_same_bytes_as_in_one_process(
    engine: OnRay, embedder: Embedder, items: list[Item], tmp_path: Path, expected: dict[str, bytes]
) -> None:
    progress = Watching()
    embedder.shapes = ShapeCount()
    assert kept(embedder, items, tmp_path / "x.npz", engine, progress=progress) == expected
    assert len(expected) == 14
    assert (progress.done, progress.said) == (len(items), [])
    assert embedder.shapes.question().startswith("1 of 105 images do not have the shape of a person")
    assert "wide.png (200×100" in embedder.shapes.question()
    assert str(engine) == "a Ray cluster of 2 machines with 2 CPUs and 0 GPUs"
    assert not ray_usage()


@pytest.mark.engines
def test_each_machine_embeds(
    engine: OnRay, nodes: Nodes, embedder: Embedder, items: list[Item], tmp_path: Path
) -> None:
    def stop(_: int) -> None:
        if workers(nodes.first) and workers(nodes.second):
            raise KeyboardInterrupt

    many = items * 100  # which one of them alone would take longer for than the other one to start
    with pytest.raises(KeyboardInterrupt):
        embed_files(
            embedder, many, tmp_path / "x.npz", on_error="report", shard=SHARD, engine=engine, progress=Watching(stop)
        )


def ray_usage() -> bool:
    from ray._common.usage import usage_lib

    return bool(usage_lib.usage_stats_enabled())


@pytest.mark.engines
def test_any_engine_continues_the_job_of_any_other(
    engine: OnRay, embedder: Embedder, items: list[Item], tmp_path: Path, expected: dict[str, bytes]
) -> None:
    out = tmp_path / "x.npz"

    def stop(done: int) -> None:
        if done > 3 * SHARD:
            raise KeyboardInterrupt

    for first, second in ((in_turn, engine), (engine, in_turn)):
        with pytest.raises(KeyboardInterrupt):
            embed_files(embedder, items, out, on_error="report", shard=SHARD, engine=first, progress=Watching(stop))
        whole = {file.name: file.read_bytes() for file in (tmp_path / "x.npz.shards").glob("*.npz")}
        assert len(whole) == 3
        assert whole == {name: expected[name] for name in whole}
        begun = Watching()
        assert kept(embedder, items, out, second, progress=begun) == expected
        assert begun.done == len(items)


@pytest.mark.engines
def test_a_worker_that_is_killed(
    engine: OnRay, nodes: Nodes, embedder: Embedder, items: list[Item], tmp_path: Path, expected: dict[str, bytes]
) -> None:
    killed: list[int] = []

    def kill(_: int) -> None:
        if not killed:
            killed.append([*workers(nodes.first), *workers(nodes.second)][0])
            os.kill(killed[0], signal.SIGKILL)

    assert kept(embedder, items, tmp_path / "x.npz", engine, progress=Watching(kill)) == expected
    assert killed


@contextmanager
def occupied(*nodes: Any) -> Iterator[Callable[[], None]]:
    """The CPUs of nodes, taken by somebody else until the function is called."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Other:
        def is_there(self) -> bool:
            return True

    here = [NodeAffinitySchedulingStrategy(node.node_id, soft=False) for node in nodes]
    others: list[Any] = [ray.remote(num_cpus=1, scheduling_strategy=each)(Other).remote() for each in here]
    assert all(ray.get([other.is_there.remote() for other in others]))

    def let_go() -> None:
        for other in others:
            ray.kill(other)

    yield let_go


@pytest.mark.engines
def test_a_machine_that_is_lost(
    engine: OnRay, nodes: Nodes, embedder: Embedder, items: list[Item], tmp_path: Path, expected: dict[str, bytes]
) -> None:
    third = nodes.cluster.add_node(**NODE)
    lost: list[int] = []
    with occupied(nodes.first, nodes.second) as let_go:

        def lose(_: int) -> None:
            if not lost:  # its worker is the only one yet
                lost.extend(workers(third))
                nodes.cluster.remove_node(third, allow_graceful=False)
                let_go()

        assert kept(embedder, items, tmp_path / "x.npz", engine, progress=Watching(lose)) == expected
    assert len(lost) == 1


@pytest.mark.engines
def test_workers_that_die_again_and_again(
    engine: OnRay, nodes: Nodes, embedder: Embedder, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "_RESTARTS", 1)
    ended = Event()

    def kill() -> None:
        while not ended.wait(0.2):
            for worker in [*workers(nodes.first), *workers(nodes.second)]:
                os.kill(worker, signal.SIGKILL)

    killing = Thread(target=kill)
    killing.start()
    try:
        with pytest.raises(OSError, match=r"^a worker of the Ray cluster died 2 times, .* continues after the shards"):
            embed_files(embedder, items, tmp_path / "x.npz", on_error="report", shard=SHARD, engine=engine)
    finally:
        ended.set()
        killing.join()


@pytest.mark.engines
def test_an_unreadable_image_stops_the_job(
    engine: OnRay, embedder: Embedder, items: list[Item], tmp_path: Path
) -> None:
    for computed in (in_turn, engine):
        with pytest.raises(ValueError, match=r"^\S*a\.jpg cannot be read as an image"):
            embed_files(embedder, items[:SHARD], tmp_path / "x.npz", shard=SHARD, engine=computed)


@pytest.mark.engines
def test_the_command(nodes: Nodes, run: Path, people: ReidDataset, tmp_path: Path) -> None:  # noqa: ARG001
    words = [
        sys.executable,
        "-m",
        "scalereid",
        "embed",
        str(run),
        str(people.root),
        "--runtime",
        "torch",
        "--json",
        "--out",
    ]
    answers, tables = [], []
    for name, more in (("here.npz", []), ("ray.npz", ["--engine", "ray"])):
        ended = subprocess.run([*words, str(tmp_path / name), *more], check=True, capture_output=True, text=True)
        answers.append(json.loads(ended.stdout) | {"out": ""})
        tables.append((tmp_path / name).read_bytes())
    assert answers[0] == answers[1]
    assert tables[0] == tables[1]
    assert "embedding on a Ray cluster of 2 machines with 2 CPUs and 0 GPUs" in ended.stderr
    with subprocess.Popen([*words, str(tmp_path / "x.npz"), "--engine", "ray"], stderr=subprocess.PIPE) as stopped:
        assert stopped.stderr is not None
        while b"torch in float32" not in stopped.stderr.readline():
            assert stopped.poll() is None
        time.sleep(2)
        stopped.send_signal(signal.SIGINT)
        asked = time.monotonic()
        assert stopped.wait(60) == 130
        assert time.monotonic() - asked < 20
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["here.npz", "ray.npz"]


@pytest.mark.engines
def test_signals_mean_the_same_as_before(nodes: Nodes) -> None:  # noqa: ARG001
    before = signal.getsignal(signal.SIGTERM)
    with connected(), connected():  # the second finds the first
        assert signal.getsignal(signal.SIGTERM) is before


def model(run: Path, embedder: Embedder, fingerprint: str = "") -> _Model:
    return _Model(
        str(run),
        RuntimeOptions(runtime="torch"),
        False,
        True,
        fingerprint or embedder.metadata.fingerprint,
        str(Path.cwd()),
    )


def ask(worker: _Worker, paths: list[str]) -> Any:
    answer = worker({"number": 7, "asked": pickle.dumps((paths, [True] * len(paths)))})
    assert answer["number"] == 7
    return pickle.loads(answer["found"])


def test_a_worker_embeds_as_one_process_does(embedder: Embedder, run: Path, items: list[Item]) -> None:
    worker = _Worker(model(run, embedder), "report")
    paths = [item.path for item in items[:6]]
    for _ in range(2):
        found, shapes = ask(worker, paths)
        expected = embedder.collect(paths, on_error="report")
        np.testing.assert_array_equal(found.embeddings, expected.embeddings)
        assert found.errors == expected.errors
        assert (shapes.images, shapes.odd) == (5, 0)  # of this part alone


def test_a_machine_where_something_is_missing_is_named(
    embedder: Embedder, run: Path, items: list[Item], tmp_path: Path
) -> None:
    share, here = (
        "all machines of a Ray cluster must see the model and the images under the same names",
        socket.gethostname(),
    )
    lost, image = tmp_path / "lost", items[0].path
    for worker, path, sentence in (
        (_Worker(model(run, embedder), "report"), str(lost), f"{lost} does not exist"),
        (_Worker(model(lost, embedder), "report"), image, f"{lost} does not exist"),
        (
            _Worker(model(run, embedder, "0123456789ab"), "report"), image,
            f"{run} has fingerprint {embedder.metadata.fingerprint}, not 0123456789ab",
        ),
    ):  # fmt: skip
        error = ask(worker, [path])
        assert (type(error), str(error)) == (OSError, f"on the machine {here}: {sentence}; {share}")


def test_each_machine_has_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    machines: list[dict[str, float]] = [{"CPU": 16, "GPU": 2}, {"CPU": 64}, {"memory": 1.0}]
    monkeypatch.setattr(on_ray, "_machines", lambda: machines)
    assert on_ray._resources("cpu") == {"num_cpus": 16}
    assert on_ray._resources("cuda") == {"num_gpus": 1}
    del machines[0]
    with pytest.raises(ValueError, match="no machine of the Ray cluster has a GPU, on which this machine computes"):
        on_ray._resources("cuda")


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port"])
def test_an_address_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.packages.find_spec", lambda _: True)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ValueError, match=f"RAY_ADDRESS is '{address}'; expected HOST:PORT"), connected():
        pass


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.packages.find_spec", lambda _: True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with (
            pytest.raises(ConnectionError, match=f"no Ray cluster answers at {address}, which RAY_ADDRESS"),
            connected(),
        ):
            pass
