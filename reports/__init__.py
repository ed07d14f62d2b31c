"""How it is shown: reads records, computes comparisons, draws. Never measures, never loads torch."""
