"""Which recipes a climb races next."""

from bench.climb.stacks import WIDTH, best_rival, joined, next_recipes, without_each


def test_recipes_are_stacked_in_their_order_where_they_can_be() -> None:
    """The order of the names does not matter; what excludes the other, and what belongs to two ways, is not stacked."""
    assert joined("whole_graph", "channels_last").name == joined("channels_last", "whole_graph").name  # type: ignore[union-attr]
    assert joined("whole_graph", "fused") is None
    assert joined("way_one", "way_two") is None
    assert joined("way_one", "fused").name == "way_one+fused"  # type: ignore[union-attr]


def test_what_promises_most_is_raced_first_and_nothing_twice() -> None:
    """Each promise is added to the recipe so far; stacks that were raced, and those that cannot be made, are left out."""
    promises = {"channels_last": 0.8, "huge_pages": 0.95, "fused": 0.7, "whole_graph": 0.3}
    first = next_recipes("whole_graph", promises, {"plain", "whole_graph"}, pace=0.3)
    assert first == ["channels_last+huge_pages+whole_graph", "channels_last+whole_graph", "huge_pages+whole_graph"]
    assert next_recipes("whole_graph", promises, {"whole_graph", *first}, pace=0.3) == []


def test_a_stage_has_only_so_many_recipes() -> None:
    """However many may help."""
    names = [
        "channels_last",
        "huge_pages",
        "frozen_collector",
        "flush_denormals",
        "jemalloc",
        "two_threads",
        "tcmalloc",
    ]
    assert len(next_recipes("whole_graph", dict.fromkeys(names, 0.9), set(), pace=0.3)) == WIDTH


def test_what_excludes_the_best_may_be_better_together() -> None:
    """fused and compile_gradients, each slower than whole_graph, promise more than it when they are stacked."""
    promises = {"whole_graph": 0.6, "fused": 0.7, "compile_gradients": 0.7}
    assert best_rival(promises, set()) == ("fused+compile_gradients", 0.7 * 0.7)
    assert next_recipes("whole_graph", promises, {"whole_graph"}, pace=0.6) == ["fused+compile_gradients"]
    assert next_recipes("whole_graph", promises, {"whole_graph"}, pace=0.4) == []


def test_rewrites_that_overlap_promise_nothing_together() -> None:
    """cpp_wrapper is whole_graph already: the product of the two would count it twice."""
    assert best_rival({"whole_graph": 0.3, "whole_graph+cpp_wrapper": 0.2}, set()) is None


def test_each_rewrite_is_left_out_with_what_needs_it() -> None:
    """Where only the plain step would be left there is nothing to race; a way stays."""
    assert without_each("channels_last+whole_graph+cpp_wrapper") == {
        "channels_last": "whole_graph+cpp_wrapper",
        "whole_graph": "channels_last",
        "cpp_wrapper": "channels_last+whole_graph",
    }
    assert without_each("fused") == {}
    assert without_each("way_one+fused") == {"fused": "way_one"}
