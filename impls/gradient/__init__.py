"""The gradient of a norm: workload.py defines the job, every other file is one way to do it."""
