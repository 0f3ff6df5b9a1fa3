"""The survey sheet that comes back: what was seen on site overrides what was assumed."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from pvplanner.buildings.attributes import (
    ALIASES,
    DIMENSIONS,
    clean_types,
    odd_values,
    rename_columns,
)
from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import mapped_findings, one_spelling, read_table
from pvplanner.reading.columns import knows

SURVEYED = (
    "roof_type",
    "roof_tilt",
    "floors",
    "height_m",
    "roof_material",
    "structure",
    "year_built",
    "danger_grade",
    "obstacle_area_m2",
    "owner_consent",
    "survey_passed",
)
"""Columns that a survey may state; blank cells change nothing."""


def read_survey(path: str | os.PathLike[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a filled-in survey sheet.

    Parameters
    ----------
    path : path-like
        XLSX or CSV with a building's id and any of :data:`SURVEYED`, as ``pvplanner survey`` writes
        it; the headers may be in either language.

    Returns
    -------
    survey : DataFrame
        By ``building_id``; the last row of a building counts, cell by cell.
    findings : list of Finding
        Values that could not be understood.

    Raises
    ------
    InputError
        If the file can't be read or names no buildings.
    """
    file = Path(path)
    told = read_table(file, knows(ALIASES, DIMENSIONS))
    raw = told.rows
    frame, mapped = rename_columns(raw, None, where=file.name)
    if "building_id" not in mapped.used:
        raise InputError("survey_no_id", where=file.name, columns=listed(raw.columns, 30))
    clean, more = clean_types(frame, where=file.name, factors=mapped.factors, first_row=0)
    findings = [*told.findings, *mapped_findings(mapped, file.name), *more]
    findings += odd_values(clean, where=file.name, first_row=0)
    ids = one_spelling(frame["building_id"])
    stated = clean[list(SURVEYED)].assign(building_id=ids)[ids.notna() & (ids != "")]
    return stated.groupby("building_id", sort=False).last(), findings


def _named(survey: pd.DataFrame) -> pd.Series:
    """Names of the columns that a survey states, by building."""
    held = survey.notna()
    return pd.Series(
        [" ".join(held.columns[row]) for row in held.to_numpy()], held.index, dtype=str
    )


def apply_survey(frame: pd.DataFrame, survey: pd.DataFrame, *, where: str) -> list[Finding]:
    """Put what a survey states into a buildings table, in place; says how much and what is lost."""
    ids = frame["building_id"].astype("string")
    lost = survey.index.difference(pd.Index(ids))
    for name in SURVEYED:
        told = ids.map(survey[name])
        frame[name] = told.astype(frame[name].dtype).where(told.notna(), frame[name])
    frame["surveyed"] = ids.map(_named(survey)).fillna("").astype("str")
    stated = survey.notna().any(axis=1)
    findings = [Finding("survey_read", where, int(stated.sum()))]
    if len(lost):
        findings.append(Finding("survey_unmatched", where, len(lost), {"ids": listed(lost)}))
    return findings
