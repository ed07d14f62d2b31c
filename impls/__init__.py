"""What is raced: workloads, and the ways of writing each one. Importing this package loads no framework."""
