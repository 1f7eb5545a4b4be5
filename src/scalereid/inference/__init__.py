"""A trained model at work: images to embeddings, fast, on the runtimes there are."""
