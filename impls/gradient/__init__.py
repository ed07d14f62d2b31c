"""The gradient of a norm: `workload.py` says what is to be computed, every other file is a way to do it."""
