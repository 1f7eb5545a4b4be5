"""How a model learns: the terms of its objective, the steps it takes, and the loop over them."""
