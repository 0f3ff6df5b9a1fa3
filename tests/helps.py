"""Small helps that tests of the field share."""

from __future__ import annotations

import csv

import pandas as pd
from conftest import ROOT

PACKAGE = ROOT / "pvplanner"


def rows_of(path: str) -> list[dict[str, str]]:
    """Rows of a table of the package."""
    return list(csv.DictReader((PACKAGE / path).read_text("utf-8").splitlines()))


def texts(values) -> pd.Series:
    """A column of text."""
    return pd.Series(list(values), dtype="string")


def used(frame):
    """Buildings that were not set aside."""
    return frame[frame["status"] != "set_aside"]


def codes(found) -> list[str]:
    """Codes of findings."""
    return [f.code for f in found]
