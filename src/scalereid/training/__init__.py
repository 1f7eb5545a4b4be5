"""How a model learns: the objective, the schedule and the loop."""
