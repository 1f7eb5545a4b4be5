"""What a run is: its recipe, how its parts are wired, its directory, its weights and its state."""
