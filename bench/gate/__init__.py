"""The gate: two sides of the code raced against each other, cell by cell, and what may be said of the difference."""
