"""How it is measured: the only place that starts processes, reads clocks and counters, and writes records."""
