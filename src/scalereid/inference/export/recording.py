"""What a network computes, as the list of torch's functions that it calls."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

INPUT = "images"
_ABOUT = {"dim", "size", "numel", "stride", "is_contiguous", "is_floating_point", "__get__"}
"""Functions that tell a tensor's form, which the number of images may change but not what they show."""


class NotRecordedError(ValueError):
    """A list of calls does not say what the network computes."""


class Value(NamedTuple):
    """The name of a tensor."""

    name: str


class Call(NamedTuple):
    """One call of a function: tensors are replaced by their names."""

    function: str
    """Its name, the same for `torch.relu`, `Tensor.relu` and `functional.relu`."""
    arguments: tuple[Any, ...]
    keywords: dict[str, object]
    results: tuple[Value, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Of the results; -1 is the number of images."""


class Recorded(NamedTuple):
    """What a network computes of a batch of images, which are named `INPUT`."""

    calls: list[Call]
    constants: dict[str, Tensor]
    """The parameters that were used, by their names, and numbers computed of parameters alone."""
    output: Value
    output_shape: tuple[int, ...]
    """-1 is the number of images."""


@torch.no_grad()  # not inference mode, in which tensors do not count how often they were written
def record(network: nn.Module, image: Tensor) -> Recorded:
    """The calls by which a network in evaluation computes a batch of any size.

    It is run on two and on three copies of the image, and must call the same functions with the same numbers both times.

    Args:
        network: A module from a batch to a tensor.
        image: One image (1, ...).

    Raises:
        NotRecordedError: It does not, or a call depends on what the images show.
    """
    two, three = (_record(network, image.repeat_interleave(n, dim=0)) for n in (2, 3))
    if two.calls != three.calls or (two.output, two.output_shape) != (three.output, three.output_shape):
        raise NotRecordedError("its calls depend on the number of images")
    if any(not torch.equal(constant, three.constants[name]) for name, constant in two.constants.items()):
        raise NotRecordedError("a number changes from call to call")
    return two


def _record(network: nn.Module, images: Tensor) -> Recorded:
    recorder = _Recorder(network, images)
    with recorder:
        output = network(images)
    if id(output) not in recorder.of_images:
        raise NotRecordedError("its output is no tensor that a call gave")
    return Recorded(recorder.calls, recorder.used, recorder.of_images[id(output)], recorder.shape(output))


class _Recorder(TorchFunctionMode):
    """Notes each call that has to do with the images; the results of all others are constants."""

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.batch_size = len(images)
        self.calls: list[Call] = []
        self.used: dict[str, Tensor] = {}  # constants
        self.seen: list[Tensor] = [images]  # kept alive, so that no other tensor gets the same id
        self.of_images = {id(images): Value(INPUT)}
        self.constants = {
            id(each): Value(name) for name, each in [*network.named_parameters(), *network.named_buffers()]
        }

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function and note it."""
        keywords = kwargs or {}
        given = [*_tensors([args, *keywords.values()])]
        if not any(id(each) in self.of_images for each in given):
            return function(*args, **keywords)
        arguments = self._named(args), {name: self._named(each) for name, each in keywords.items()}
        versions = [each._version for each in given]
        result = function(*args, **keywords)
        results = [*_tensors(result)]
        if any(each._version > before and self._is_shared(each) for each, before in zip(given, versions, strict=True)):
            raise NotRecordedError(f"{function.__name__} writes into what another tensor shows, too")
        if results:
            self._note(function.__name__, *arguments, results)
        elif function.__name__ not in _ABOUT:
            raise NotRecordedError(f"{function.__name__} gives no tensor")
        return result

    def _note(self, function: str, arguments: Any, keywords: dict[str, object], results: list[Tensor]) -> None:
        if any(each.dtype != torch.float32 for each in results):
            raise NotRecordedError(f"{function} gives other numbers than float32")
        names = tuple(Value(f"{function}_{len(self.calls)}_{index}") for index in range(len(results)))
        shapes = tuple(self.shape(each) for each in results)
        self.seen += results
        self.of_images |= {id(each): name for each, name in zip(results, names, strict=True)}
        self.calls.append(Call(function, arguments, keywords, names, shapes))

    def _is_shared(self, tensor: Tensor) -> bool:
        """Whether another tensor shows the same numbers, such as a view of it."""
        return any(
            other is not tensor and other.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
            for other in self.seen
        )

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Its shape, where -1 stands for the number of images."""
        first, *others = tensor.shape or (0,)
        return (-1 if first == self.batch_size else first, *others)

    def _named(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self._name(argument)
        return tuple(map(self._named, argument)) if isinstance(argument, tuple | list) else argument

    def _name(self, tensor: Tensor) -> Value:
        """The name of a tensor, which is a constant if no call of the images gave it."""
        if (found := self.of_images.get(id(tensor))) is not None:
            return found
        if tensor.dtype != torch.float32:
            raise NotRecordedError(f"a constant is {str(tensor.dtype).removeprefix('torch.')}, not float32")
        name = self.constants.setdefault(id(tensor), Value(f"constant_{len(self.constants)}"))
        self.seen.append(tensor)
        self.used[name.name] = tensor
        return name


def _tensors(argument: Any) -> Iterator[Tensor]:
    if isinstance(argument, Tensor):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _tensors(each)
