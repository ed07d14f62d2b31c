"""Which recipes a climb races next: the one so far with one rewrite more, or another stack that promises more."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from math import prod

from impls.recipe.recipe import Recipe, rewrites

WIDTH = 6  # recipes that one stage races, at most
MOST_STACKED = 4  # rewrites of a stack that is put together from singles at once


def joined(one: str, other: str) -> Recipe | None:
    """The stack of two recipes; None where they cannot be stacked or belong to different ways."""
    first, second = Recipe.read(one), Recipe.read(other)
    if first.way and second.way and first.way != second.way:
        return None
    stack = Recipe.of((*first.rewrites, *second.rewrites), first.way or second.way)
    return None if stack.refusal else stack


def next_recipes(current: str, promises: Mapping[str, float], raced: Collection[str], pace: float) -> list[str]:
    """The recipes to race beside the current one; none at the top.

    promises  of each recipe that may still help, its ratio to the plain step, alone
    raced     stacks that have been raced before
    pace      ratio of the current recipe to the plain step
    """
    added = [joined(current, one) for one in sorted(promises, key=promises.__getitem__)]
    names = [stack.name for stack in added if stack]
    rival = best_rival(promises, {current, *raced, *names})
    if rival and rival[1] < pace:
        names.insert(0, rival[0])
    return [name for name in dict.fromkeys(names) if name not in raced and name != current][:WIDTH]


def best_rival(promises: Mapping[str, float], known: Collection[str]) -> tuple[str, float] | None:
    """Of the stacks of singles that were not raced, the one whose ratios make the least product, and that product.

    What excludes the best single may together be better than it, which adding one rewrite at a time does not find.
    """
    best: tuple[str, float] | None = None
    for count in range(2, MOST_STACKED + 1):
        for some in combinations(sorted(promises), count):
            stack = _stack(some)
            promise = prod(promises[one] for one in some)
            if stack and stack.name not in known and stack.name not in promises and (not best or promise < best[1]):
                best = stack.name, promise
    return best


def without_each(recipe: str) -> dict[str, str]:
    """By rewrite, the recipe without it and without what needs it; where more than the plain step is left."""
    whole = Recipe.read(recipe)
    left = {}
    for name in whole.rewrites:
        rest = [other for other in whole.rewrites if other != name and not _needs(other, name)]
        if rest or whole.way:
            left[name] = Recipe.of(rest, whole.way).name
    return left


def _needs(rewrite: str, other: str) -> bool:
    return any(need == other or _needs(need, other) for need in rewrites()[rewrite].needs)


def _stack(some: Sequence[str]) -> Recipe | None:
    """The stack of these; None where they cannot be stacked, or have a rewrite in common: then the product means nothing."""
    stack = Recipe()
    for one in some:
        together = joined(stack.name, one)
        if together is None or set(stack.rewrites) & set(Recipe.read(one).rewrites):
            return None
        stack = together
    return stack
