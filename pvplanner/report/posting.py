"""The list that is posted in the village: who is paid what by shares, and what is told as one sum.

It is an edition of its own. It names house numbers and nobody; dividends are those by shares, and
what goes to members of low income alone stands in one row for all of them.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import pandas as pd

from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.markup import fill_page
from pvplanner.money.payments import LOW_INCOME
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.report.cells import currency_of, percent
from pvplanner.texts import plain_cell
from pvplanner.words import in_units, label, shown, style, texts

PAID = ("dividend", "rent", "free_kwh", "export_share")
"""Items that a collective or developer pays to households."""

COLUMNS = ("household_id", "hamlet", "capacity_kwp", "posting_share", "posting_amount")


def posting_rows(plan: Plan) -> tuple[pd.DataFrame, float]:
    """Households with what they are paid by shares in the first year, and the sum that is not
    named.

    Returns
    -------
    rows : DataFrame
        ``household_id``, ``hamlet``, ``capacity_kwp``, ``posting_share`` (of all that is paid by
        shares) and ``posting_amount``, the households that are paid anything.
    unnamed : float
        What members of low income alone are paid together.

    Raises
    ------
    InputError
        If there are several villages: each posts what its own collective pays.
    """
    if len(plan.parts) > 1:
        raise InputError("villages_several", where="posting", names=listed(plan.parts, 12))
    public = plan.public()
    flows = public.cash_flows()
    first = flows[(flows["year"] == 1) & flows["item"].isin(PAID)]
    own = first[(first["household_id"] != "") & (first["yuan"] > 0)]
    sums = own.groupby("household_id")["yuan"].sum()
    homes = public.households.set_index("household_id")
    out = homes.loc[homes.index.isin(sums.index), ["hamlet", "capacity_kwp"]].copy()
    out["posting_amount"] = sums.reindex(out.index).round(2)
    whole = float(out["posting_amount"].sum())
    out["posting_share"] = out["posting_amount"] / whole if whole else float("nan")
    unnamed = float(first.loc[first["party"] == LOW_INCOME, "yuan"].sum())
    return out.reset_index()[list(COLUMNS)], unnamed


def save_posting(plan: Plan, path: str | os.PathLike[str], *, language: str | None = None) -> Path:
    """Write the list to be posted.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.html`` to print, or ``.csv``.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    ConfigError
        If the suffix is neither, or the plan pays nothing to households.
    """
    language = language or plan.scenario.language
    target = Path(path)
    head, body, foot = posting_table(plan, language)
    if not body:
        raise ConfigError("posting_none", where=str(target))
    if target.suffix.lower() == ".csv":
        held = io.StringIO()
        out = csv.writer(held, lineterminator="\r\n")
        out.writerows([[plain_cell(c) for c in row] for row in (head, *body, *foot)])
        return write_bytes_beside(target, b"\xef\xbb\xbf" + held.getvalue().encode("utf-8"))
    if target.suffix.lower() not in (".html", ".htm"):
        known = ".html, .csv"
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    page = fill_page(
        "posting.html.j2",
        html=style(language)["html"], name=plan.scenario.name, t=texts(language), head=head,
        notes=[label(key, language) for key in plan.notes()],
        rows=body, foot=foot,
    )  # fmt: skip
    return write_bytes_beside(target, page.encode("utf-8"))


def posting_table(plan: Plan, language: str) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """The list as texts: its head, a row a household, and its sums.

    Raises
    ------
    InputError
        As :func:`posting_rows`.
    """
    rows, unnamed = posting_rows(plan)
    head = [_head(name, plan, language) for name in COLUMNS]
    body = [_cells(record, language) for record in rows.to_dict("records")]
    return head, body, _foot(rows, unnamed, language) if body else []


def _head(name: str, plan: Plan, language: str) -> str:
    if name == "posting_amount":
        return f"{label(name, language)} ({in_units('money/yr', language, currency_of(plan))})"
    return label(name, language, unit=True)


def _cells(record: dict[str, Any], language: str) -> list[str]:
    hamlet = record["hamlet"]
    return [
        str(record["household_id"]),
        "" if hamlet is None or pd.isna(hamlet) else str(hamlet),
        shown(float(record["capacity_kwp"]), "capacity_kwp", language),
        percent(float(record["posting_share"]), language),
        shown(float(record["posting_amount"]), "income_first_year", language),
    ]


def _foot(rows: pd.DataFrame, unnamed: float, language: str) -> list[list[str]]:
    """Sums: what is paid by shares, what members of low income are paid together, and both."""
    whole = float(rows["posting_amount"].sum())
    sums = [("posting_by_shares", whole)]
    if unnamed:
        sums += [("low_income_members", unnamed), ("posting_all", whole + unnamed)]
    return [
        [label(key, language), "", "", "", shown(value, "income_first_year", language)]
        for key, value in sums
    ]
