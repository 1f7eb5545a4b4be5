"""Images to classes: what a trained classifier has beside its network, and how well it does."""
