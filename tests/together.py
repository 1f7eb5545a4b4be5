"""A function called in several processes at once, as torchrun starts them; they talk by gloo."""

import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing.connection import Connection
from typing import Any

from tests.experiments.processes import SERVER

SECONDS = 120  # for which a process is waited


def together(function: Callable[..., Any], *arguments: object, processes: int = 2, join: bool = True) -> list[Any]:
    """What `function` returns in each of the processes; an error of any is raised here.

    The processes are joined unless `join` is False, as it is for a function that joins them itself.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started, results = [], []
    for number in range(processes):
        receiver, sender = SERVER.Pipe(duplex=False)
        environment = {
            "RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes,
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test",
        }  # fmt: skip
        process = SERVER.Process(target=_call, args=(environment, sender, function, arguments, join))
        process.start()
        sender.close()
        started.append((process, receiver))
    try:
        for number, (process, receiver) in enumerate(started):
            assert receiver.poll(SECONDS), f"process {number} does not come to an end"
            result = receiver.recv()
            if isinstance(result, Exception):
                raise result
            process.join(SECONDS)
            assert process.exitcode == 0
            results.append(result)
    finally:
        for process, _ in started:
            process.kill()
    return results


def _call(
    environment: dict[str, object],
    sender: Connection,
    function: Callable[..., Any],
    arguments: tuple[object, ...],
    join: bool,
) -> None:
    os.environ |= {name: str(value) for name, value in environment.items()}
    from scalereid.training.exchange import joined, wait_for_all

    try:
        with joined() if join else nullcontext():
            result = function(*arguments)
            wait_for_all()
    except Exception as error:
        result = error
    sender.send(result)
    sender.close()
    os._exit(0)  # at the interpreter's end torch's threads of gloo at times crash
