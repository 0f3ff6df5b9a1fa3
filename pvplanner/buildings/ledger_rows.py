"""Which rows of a ledger are households: totals, groups and headings of its pages are none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading.columns import Columns
from pvplanner.reading.values import is_total, plain_text


def households_of(
    table: pd.DataFrame, raw: pd.DataFrame, mapped: Columns, file: Path
) -> tuple[pd.DataFrame, list[Finding]]:
    """A row of totals is no household: named so in the first cell that says anything, or in one
    that is read. A remark beside a household and its building (together with his brother) is none.

    Rows that say nothing of what is read are left out too.
    """
    named = pd.Series(False, index=raw.index)
    whole = table["household_id"].notna() & table["building_id"].notna()
    for name in raw.columns:
        told = is_total(raw[name])
        if told.any() and name not in mapped.used.values():
            before = raw[raw.columns[: list(raw.columns).index(name)]]
            told &= ~whole | before.isna().all(axis=1)
        named |= told
    said = table.notna().any(axis=1)
    again, findings = _headings_again(raw, mapped, file)
    # A printed ledger names groups in rows of one cell.
    lone = raw.notna().sum(axis=1).eq(1) & table["building_id"].isna() & (len(raw.columns) > 1)
    lone &= ~named & said
    if lone.any():
        first = raw[lone].bfill(axis=1).iloc[:, 0]
        params = {"rows": listed(table.index[lone]), "cells": listed(first)}
        findings.append(Finding("ledger_lone", file.name, int(lone.sum()), params))
    named |= lone
    totals = named & ~lone
    if totals.any():
        rows = {"rows": listed(table.index[totals])}
        findings.append(Finding("ledger_totals", file.name, int(totals.sum()), rows))
    return table[said & ~named & ~again].copy(), findings


def _headings_again(
    raw: pd.DataFrame, mapped: Columns, file: Path
) -> tuple[pd.Series, list[Finding]]:
    """A printed ledger repeats its heading on every page; it must say the same there, since the
    rows under one of another unit or order would be read as the first says.
    """
    heading = mapped.used["household_id"]
    again = raw[heading].map(plain_text, na_action="ignore").eq(plain_text(heading))
    again = again.fillna(False).astype(bool)
    if not again.any():
        return again, []
    for name in mapped.used.values():
        told = raw.loc[again, name].dropna().map(plain_text)
        # A unit that stood in a row of its own was put behind the heading.
        usual = (plain_text(name), plain_text(name.rpartition(" (")[0]))
        other = told[~told.isin(usual)]
        if len(other):
            raise InputError("ledger_heading", where=f"{file}, row {int(other.index[0])}",
                             heading=plain_text(name), other=str(other.iloc[0]))  # fmt: skip
    rows = {"rows": listed(raw.index[again])}
    return again, [Finding("ledger_headings", file.name, int(again.sum()), rows)]
