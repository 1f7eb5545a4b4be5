"""One page that looks into models: activation maps, gates, retrieval of degraded queries, a map of embeddings."""
