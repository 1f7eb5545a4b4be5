"""People who can be found: a ledger of sightings and of what was said about them, an index of their embeddings, and search."""
