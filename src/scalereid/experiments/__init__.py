"""What is done with a run: train, evaluate, compare many."""
