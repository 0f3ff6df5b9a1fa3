"""Columns whose numbers are possible and unusual: asked about, with what they may be instead."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, listed
from pvplanner.reference.ranges import ranges, slip_word

HALF = 0.5
"""From this share of a column on its unit is asked about, and not single figures."""


def odd_column(
    values: pd.Series, table: str, where: str, *, first_row: int = 0, currency: str = "CNY"
) -> list[Finding]:
    """A question about values of a column that lie outside their usual range.

    Parameters
    ----------
    values : Series of float
        Under its name, such as ``consumption_kwh``; zero and unknown are not asked about.
    table : str
        What ``plausible.csv`` calls the table.
    where : str
        The file.
    first_row : int
        Number of the first row in the file, less its label in the index.
    """
    column = str(values.name)
    usual = ranges()[f"{table}.{column}"]
    known = values[values.notna() & (values != 0)]
    if known.empty:
        return []
    odd = known[~known.between(usual.low, usual.high)]
    if odd.empty:
        return []
    unit = usual.unit.replace("money", currency)
    params = {
        "column": column, "low": f"{usual.low:g}", "high": f"{usual.high:g} {unit}".strip(),
        "values": listed([f"{value:g}" for value in odd]),
        "rows": listed([int(label) + first_row for label in odd.index]), "source": usual.source,
    }  # fmt: skip
    if len(odd) < HALF * len(known):
        return [Finding("column_odd", where, len(odd), params)]
    params["slip"] = slip_word(float(np.median(odd.to_numpy())), usual)
    return [Finding("column_slipped", where, len(odd), params)]
