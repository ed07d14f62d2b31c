"""The report of one run: rows, findings, columns, tables."""
