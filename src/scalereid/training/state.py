"""Everything that changes while a model is trained, and so everything that a resumed training needs."""

import random
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from scalereid.distributed import processes
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training.objective import Objective


class Stateful(Protocol):
    """An object whose state can be saved as a flat mapping from names to tensors and JSON values."""

    def state_dict(self) -> Any:
        """The state."""

    def load_state_dict(self, state: Any, /) -> object:
        """Put back what `state_dict` returned; raise an error if it does not fit."""


@dataclass(eq=False)
class TrainingState:
    """What is trained, and how far it is. Whatever else has a state registers itself, and is saved with it."""

    model: EmbeddingModel
    objective: Objective
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    epoch: int = field(default=0, init=False)
    """The epoch in progress, which is the number of epochs done."""
    step: int = field(default=0, init=False)
    """Number of steps done in it."""
    sums: Tensor = field(init=False)
    """Of each logged value over these steps; not finite as soon as one of them was not."""
    registered: dict[str, Stateful] = field(init=False)

    def __post_init__(self) -> None:
        device = next(self.model.parameters()).device
        self.sums = torch.zeros(len(self.objective.logged), device=device)
        self.registered = {
            "model": self.model,
            "objective": self.objective,
            "optimizer": OptimizerState(self.optimizer),
            "scaler": self.scaler,
            "counters": self,
            "random": RandomGenerators(),
        }

    @property
    def device(self) -> torch.device:
        """Where the model is trained."""
        return self.sums.device

    def register(self, name: str, stateful: Stateful) -> None:
        """Save `stateful` with the rest from now on, under a name of its own.

        Raises:
            ValueError: The name is taken, or contains a dot.
        """
        if name in self.registered or "." in name:
            raise ValueError(
                f"Cannot register a state as {name!r}: use a name without dots, other than {[*self.registered]}"
            )
        self.registered[name] = stateful

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the next step."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):  # which a captured step reads at each replay
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def means(self) -> dict[str, float]:
        """The mean of each value that is logged in this epoch over its steps so far, by name."""
        means = zip(self.objective.logged, (self.sums / max(self.step, 1)).tolist(), strict=True)
        computed = self.objective.logged_in(self.epoch)
        return {name: mean for name, mean in means if name in computed}

    def state_dict(self) -> dict[str, Tensor | int]:
        """The counters alone."""
        return {"epoch": self.epoch, "step": self.step, "sums": self.sums}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the counters back.

        Raises:
            ValueError: Epoch or step is not a number of epochs or steps.
        """
        for name in ("epoch", "step"):
            if not isinstance(state[name], int) or state[name] < 0:
                raise ValueError(f"{name} is {state[name]!r}; expected a whole number, 0 or more")
        self.epoch, self.step = state["epoch"], state["step"]
        self.sums.copy_(state["sums"])


class OptimizerState:
    """What an optimizer keeps for each parameter, without its settings, which are the recipe's."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer

    def state_dict(self) -> dict[str, Tensor]:
        """By `NUMBER.NAME`: the number of the parameter, and the optimizer's name of the value."""
        states = self.optimizer.state_dict()["state"].items()
        return {f"{i}.{name}": value for i, state in states for name, value in state.items() if value is not None}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put it back, laid out in memory as each parameter is: fused steps read both in one sweep."""
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            number, name = key.split(".")
            parameter = parameters[int(number)]
            if value.shape == parameter.shape:
                value = torch.empty_like(parameter).copy_(value)
            # A copy: otherwise the file that it is read from stays open.
            states.setdefault(int(number), {})[name] = value.clone()
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})


class RandomGenerators:
    """The generators that a model or a loss may draw from: Python's, NumPy's, and PyTorch's on the CPU and on each GPU."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors for PyTorch's, JSON values for the others."""
        state: Any = np.random.get_state(legacy=False)
        numpy_state = state | {"state": {**state["state"], "key": state["state"]["key"].tolist()}}
        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {
            "python": random.getstate(),
            "numpy": numpy_state,
            "cpu": torch.get_rng_state(),
            **{f"cuda:{i}": generator for i, generator in enumerate(gpus)},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put them back; GPUs that are not here are ignored. Of several processes, each draws on its GPU as the first does."""
        version, numbers, gauss = state["python"]
        random.setstate((version, tuple(numbers), gauss))
        inner = state["numpy"]["state"]
        np.random.set_state(state["numpy"] | {"state": {**inner, "key": np.array(inner["key"], np.uint32)}})
        torch.set_rng_state(state["cpu"])
        for i in range(torch.cuda.device_count()):
            if (generator := state.get(f"cuda:{i if processes() == 1 else 0}")) is not None:
                torch.cuda.set_rng_state(generator, i)
