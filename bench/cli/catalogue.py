"""`bench list`: the steps, rewrites, workloads and implementations that there are."""

from bench.cli import console
from bench.cli.options import Typed
from reports import catalogue


def show(typed: Typed) -> None:
    """Shows the catalogue, as tables or as a document."""
    if typed.json_:
        console.print_json(catalogue.document())
    else:
        console.show(catalogue.render())
