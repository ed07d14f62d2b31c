"""The compiler tries several ways to write each matrix product and each loop of the whole graph, and keeps the fastest."""

from impls.recipe.rewrite import Rewrite

REWRITE = Rewrite(
    summary="the compiler of the whole graph times several kernels for each operation and keeps the fastest",
    group="compile",
    patch="compiler_options |= {'max_autotune': True, 'coordinate_descent_tuning': True}",
    needs=("whole_graph",),
    effort="thorough",
    compiles=True,
)
