"""Linear regression by gradient descent: `workload.py` says what is to be computed, every other file is a way to do it."""
