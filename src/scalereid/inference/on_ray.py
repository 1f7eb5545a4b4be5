"""Shards embedded on the machines of a Ray cluster: Ray Data hands them to workers, each of which loads the model once."""

import logging
import os
import pickle
import signal
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypedDict

from scalereid.data.images import Advance
from scalereid.data.shapes import ShapeCount
from scalereid.inference.embedder import Collected, Embedder, OnError
from scalereid.inference.opening import RuntimeOptions, is_exported
from scalereid.inference.parts import Part
from scalereid.packages import require
from scalereid.wording import counted

_RESTARTS = 10  # of a worker that died: images that kill each worker must not do so for ever
_PATIENCE = 5  # seconds in which a cluster whose address is given must answer
_SHARE = "all machines of a Ray cluster must see the model and the images under the same names"


class _Asked(TypedDict):
    """A row that a worker takes: the number of a part, and its paths, pickled with whether each is there."""

    number: int
    asked: bytes


class _Answered(TypedDict):
    """A row that a worker gives: the number of the part, and its embeddings and counted shapes or an error, pickled."""

    number: int
    found: bytes


class _Model(NamedTuple):
    """What a worker opens, to embed exactly as the process does that asks for it."""

    source: str
    options: RuntimeOptions
    flip: bool
    normalize: bool
    fingerprint: str
    folder: str
    """The working directory, from which names of files start."""

    def open(self) -> Embedder:
        """Load the model on this machine.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: Another one is there.
        """
        with suppress(OSError):  # where names are absolute, no machine needs the folder
            os.chdir(self.folder)
        if not Path(self.source).exists():
            raise FileNotFoundError(f"{self.source} does not exist; {_SHARE}")
        embedder = Embedder(self.source, **vars(self.options), flip=self.flip, normalize=self.normalize)
        if (found := embedder.metadata.fingerprint) != self.fingerprint:
            raise ValueError(f"{self.source} has fingerprint {found}, not {self.fingerprint}; {_SHARE}")
        return embedder


class _Worker:
    """A process on a machine of the cluster, which embeds the images of one part after another."""

    def __init__(self, model: _Model, on_error: OnError) -> None:
        self.model, self.on_error = model, on_error
        self.embedder: Embedder | None = None

    def __call__(self, row: _Asked) -> _Answered:
        """Embed the images of a part."""
        found: tuple[Collected, ShapeCount] | Exception
        try:
            found = self.embed(*pickle.loads(row["asked"]))
        except OSError as error:
            found = OSError(str(error))
        except (ValueError, ModuleNotFoundError) as error:
            found = ValueError(str(error))
        return {"number": row["number"], "found": pickle.dumps(found)}

    def embed(self, paths: Sequence[str], seen: Sequence[bool]) -> tuple[Collected, ShapeCount]:
        """Embed images; `seen` says which of them are there on the machine that asks.

        Raises:
            ValueError: An image cannot be read.
            OSError: The model cannot be opened here, or an image is not seen from here.
        """
        if self.embedder is None:
            try:
                self.embedder = self.model.open()
            except (ValueError, OSError, ModuleNotFoundError) as error:
                raise OSError(f"on the machine {socket.gethostname()}: {error}") from error
        for path, is_seen in zip(paths, seen, strict=True):
            if is_seen and not Path(path).exists():
                raise OSError(f"on the machine {socket.gethostname()}: {path} does not exist; {_SHARE}")
        self.embedder.shapes = ShapeCount()
        return self.embedder.collect(paths, on_error=self.on_error), self.embedder.shapes


@dataclass(frozen=True, kw_only=True)
class OnRay:
    """An `EmbedParts` on the Ray cluster that this process is connected to: see `connected`.

    This process alone reads and writes shards, so any engine continues the job of any other, and another worker computes what
    a lost one was computing.
    """

    source: str
    options: RuntimeOptions

    def __str__(self) -> str:
        machines = _machines()
        cpus, gpus = (sum(int(each.get(kind, 0)) for each in machines) for kind in ("CPU", "GPU"))
        return f"a Ray cluster of {counted(len(machines), 'machine')} with {counted(cpus, 'CPU')} and {counted(gpus, 'GPU')}"

    def __call__(
        self, embedder: Embedder, parts: Iterable[Part], on_error: OnError, advance: Advance
    ) -> Iterator[tuple[Part, Collected]]:
        """See `EmbedParts`. All parts are looked up before the first is embedded.

        Raises:
            ValueError: An image cannot be read, or no machine has a GPU where this one computes on one.
            OSError: A machine does not see an image, or cannot open the model; or a worker died again and again.
        """
        import ray.data
        from ray.exceptions import RayActorError

        waiting = [*parts]
        if not waiting:
            return
        device = self._device(embedder)
        model = self._model(embedder, device)
        rows = [
            _Asked(number=number, asked=pickle.dumps((part.paths, (part.stamps[part.rows, 0] >= 0).tolist())))
            for number, part in enumerate(waiting)
        ]
        context = ray.data.DataContext.get_current().copy()
        context.enable_progress_bars = context.print_on_execution_start = False
        with ray.data.DataContext.current(context):
            embedded = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
                _Worker,
                fn_constructor_args=(model, on_error),
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=None),
                ray_remote_args_fn=_restarted,
                **_resources(device),
            )
            try:
                for row in embedded.iter_rows():
                    found = pickle.loads(row["found"])
                    if isinstance(found, Exception):
                        raise found
                    collected, shapes = found
                    embedder.shapes.include(shapes)
                    part = waiting[row["number"]]
                    advance(len(part.rows))
                    yield part, collected
            except RayActorError as error:
                raise OSError(
                    f"a worker of the Ray cluster died {_RESTARTS + 1} times, perhaps for lack of memory; the same command "
                    f"continues after the shards that are finished. Ray says: {str(error).partition(chr(10))[0]}"
                ) from error

    def _device(self, embedder: Embedder) -> str:
        """The kind of device that computes here, and so on all machines."""
        if embedder.runtime.name != "torch" or is_exported(self.source):
            return "cpu"
        from scalereid.process import choose_device  # here, as other runtimes need no torch

        return choose_device(self.options.device).type

    def _model(self, embedder: Embedder, device: str) -> _Model:
        chosen = {"runtime": embedder.runtime.name, "precision": embedder.runtime.precision, "device": device}
        options = replace(self.options, **chosen, batch_size=embedder.batch_size)  # type: ignore[arg-type] # of several types
        fingerprint = embedder.metadata.fingerprint
        return _Model(self.source, options, embedder.flip, embedder.normalize, fingerprint, str(Path.cwd()))


@contextmanager
def connected() -> Iterator[None]:
    """Connect this process, which runs on a machine of the cluster, to the one that RAY_ADDRESS names, or this machine's.

    Raises:
        ModuleNotFoundError: Ray is not installed; the message says how to install it.
        ConnectionError: There is no cluster.
        ValueError: RAY_ADDRESS is not of the form HOST:PORT.
    """
    require("ray", extra="ray", purpose="embedding on many machines")
    _check_address(os.environ.get("RAY_ADDRESS", ""))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before it is imported: it reports to its makers otherwise
    import ray

    if ray.is_initialized():  # the caller's own connection
        yield
        return
    try:
        with _own_sigterm():
            ray.init(address="auto", log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise ConnectionError(
            "no Ray cluster runs on this machine; start or join one with `ray start`, or leave the engine out. "
            f"Ray says: {error}"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Check that a cluster answers, for which Ray itself would wait three minutes."""
    if address in ("", "auto"):
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in address or not port.isdecimal():
        raise ValueError(
            f"RAY_ADDRESS is {address!r}; expected HOST:PORT, the address by which this machine has joined its cluster"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        raise ConnectionError(f"no Ray cluster answers at {address}, which RAY_ADDRESS names: {error}") from error


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep what this process does at SIGTERM, which Ray replaces when it connects."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


def _machines() -> list[dict[str, float]]:
    """The resources of each machine of the cluster."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _restarted() -> dict[str, int]:
    """What Ray is told of each worker beside its resources."""
    return {"max_restarts": _RESTARTS}


def _resources(device: str) -> dict[str, float]:
    """What a worker takes: one GPU, or as many CPUs as the smallest machine has, so that each machine has a worker.

    Raises:
        ValueError: No machine of the cluster has any.
    """
    kind = "GPU" if device == "cuda" else "CPU"
    found = [each[kind] for each in _machines() if each.get(kind, 0) >= 1]
    if not found:
        raise ValueError(f"no machine of the Ray cluster has a {kind}, on which this machine computes")
    return {"num_gpus": 1} if kind == "GPU" else {"num_cpus": min(found)}
