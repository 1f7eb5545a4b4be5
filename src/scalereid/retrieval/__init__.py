"""Embeddings to ranking to scores."""
