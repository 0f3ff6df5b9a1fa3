"""Small helps that tests of the field share."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from conftest import ROOT

PACKAGE = ROOT / "pvplanner"


def rows_of(path: str) -> list[dict[str, str]]:
    """Rows of a table of the package."""
    return list(csv.DictReader((PACKAGE / path).read_text("utf-8").splitlines()))


def texts(values) -> pd.Series:
    """A column of text."""
    return pd.Series(list(values), dtype="string")


def rarely(cases, everyday=()):
    """Cases of which the everyday tests run some; the rest run with ``-m long``."""
    return [c if c in everyday else pytest.param(c, marks=pytest.mark.long) for c in cases]


def used(frame):
    """Buildings that were not set aside."""
    return frame[frame["status"] != "set_aside"]


def codes(found) -> list[str]:
    """Codes of findings."""
    return [f.code for f in found]
