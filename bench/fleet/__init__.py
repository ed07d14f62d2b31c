"""A matrix of races over a cluster: planned, submitted, carried out job by job, watched and merged."""
