"""The second network of mutual learning, as a recipe of its own."""

from dataclasses import replace

from scalereid.runs.recipe import Recipe


def peer_recipe(recipe: Recipe) -> Recipe | None:
    """A recipe as the peer sees it, with the two networks exchanged; None without mutual learning.

    The peer is of the recipe's own network, with its genotype and options, where `mutual.backbone` names no other.
    """
    own, mutual = recipe.model, recipe.mutual
    if not mutual.weight:
        return None
    if mutual.backbone:
        peer = replace(own, backbone=mutual.backbone, width=mutual.width, genotype=(), options=())
    else:
        peer = replace(own, width=own.width if mutual.width is None else mutual.width)
    return replace(
        recipe,
        model=replace(peer, initial_weights=mutual.initial_weights),
        mutual=replace(mutual, backbone=own.backbone, width=own.width, initial_weights=own.initial_weights),
    )
