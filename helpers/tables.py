"""Tables of stored trainings, read whole or not at all."""

import io
from pathlib import Path

from helpers.files import readable_of_clone

import pandas as pd
from pandas.api.types import is_numeric_dtype


def read_table(path: Path, rows: int, otherwise: str = "") -> pd.DataFrame:
    """Return a table of numbers from a CSV file that git has; its first column may hold words.

    Raises FileNotFoundError if the file is missing, `helpers.files.DamagedFileError` if it is damaged, or has not so
    many rows: both say how to get it back, by git or as ``otherwise`` says.
    """
    with readable_of_clone(path, otherwise):
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text))
        if not text.endswith("\n"):
            raise ValueError("its last line is cut off")
        if len(table) != rows:
            raise ValueError(f"it has {len(table):,} rows instead of {rows:,}")
        if table.isna().any(axis=None) or not all(is_numeric_dtype(table[column]) for column in table.columns[1:]):
            raise ValueError("something in it is no number")
    return table
