"""Writes a table as CSV that is safe to open in a spreadsheet."""

import csv

import pandas as pd

from reports.text.sanitize import csv_cell


def safe_csv(table: pd.DataFrame) -> str:
    """The table as CSV text in which no cell is a formula. Changes the table."""
    for name in table.columns:
        table[name] = [csv_cell(cell) for cell in table[name]]
    return table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
