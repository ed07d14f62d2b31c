"""Measures looprace itself: its speed, its overhead, what its profiler finds, and how its gate decides."""
