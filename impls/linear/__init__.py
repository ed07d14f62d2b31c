"""Linear regression by gradient descent: workload.py defines the jobs, every other file is one way to do them."""
