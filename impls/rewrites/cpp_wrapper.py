"""The calls of the kernels of a whole graph in C++ too, instead of in generated Python."""

from impls.recipe.rewrite import Rewrite

REWRITE = Rewrite(
    summary="the kernels of the whole graph are called from C++ instead of from generated Python",
    group="compile",
    patch='compiler_options["cpp_wrapper"] = True',
    needs=("whole_graph",),
    effort="standard",
    compiles=True,
)
