"""How a model learns: the terms of its objective, the steps it takes, and the loop over them."""

from typing import Literal

# Named here, where settings and command lines find them without waiting for torch.
OptimizerName = Literal["sgd", "amsgrad"]
DecayName = Literal["constant", "step", "cosine"]
Precision = Literal["float32", "bfloat16", "float16"]
"""Arithmetic precision of the layers in training."""
