"""What is raced: workloads, and implementations of each. Importing this package loads no framework."""
