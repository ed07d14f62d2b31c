"""Python's garbage collector does not run between updates: it may stop one of them for milliseconds."""

from impls.recipe.rewrite import Rewrite

PATCH = """
import gc

gc.collect()
gc.freeze()
gc.disable()  # objects that refer to each other in a circle are kept from now on
"""

REWRITE = Rewrite(
    summary="Python's garbage collector is switched off",
    group="host",
    patch=PATCH,
    effort="standard",
    process=True,
)
