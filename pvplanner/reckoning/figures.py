"""The few figures of a reckoning's first page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pvplanner.metering.against import village_ratio
from pvplanner.reckoning.content import ENERGY, METERED, MONEY, Writer
from pvplanner.tracking.reckoning import Reckoned
from pvplanner.words import label, number, rule_of


@dataclass(frozen=True)
class Figure:
    """One line of the first page.

    Attributes
    ----------
    name : str
    value : float or str
        Money in fen.
    kind : str
        As a section's columns.
    unit : str
    """

    name: str
    value: Any
    kind: str = "text"
    unit: str = ""

    def text(self, language: str) -> str:
        """As people read it."""
        if self.kind == "text":
            return str(self.value)
        if not np.isfinite(float(self.value)):
            return label("unknown", language)
        if self.kind == MONEY:
            return f"{self.value / 100:,.2f} {self.unit}"
        told = number(float(self.value), rule_of(self.kind, "whole"), language)
        return f"{told} {self.unit}".strip()


def key_figures(found: Reckoned, language: str) -> list[Figure]:
    """What the first page says in a few lines."""
    write = Writer(found, language)
    made = [
        *_energy_figures(found), *_account_figures(found), *_bank_figures(found),
        *_year_figures(found, write),
    ]  # fmt: skip
    units = {MONEY: write.money, ENERGY: "kWh", METERED: "kWh", "tonnes": "t CO2"}
    return [
        Figure(write.word(f"reckon_{key}"), value, kind, units.get(kind, ""))
        for key, value, kind in [("period", found.period.name, "text"), *made]
    ]  # fmt: skip


Line = tuple[str, Any, str]


def _energy_figures(found: Reckoned) -> list[Line]:
    roofs = found.roofs
    known = roofs[roofs["days_known"] > 0] if len(roofs) else roofs
    if known.empty:
        return []
    out: list[Line] = [
        ("measured", float(known["measured_kwh"].sum()), METERED),
        ("expected", float(known["expected_kwh"].sum()), ENERGY),
        ("ratio", village_ratio(known.assign(cause="")), "rate"),
        ("households", f"{len(known)} / {len(roofs)}", "text"),
    ]  # fmt: skip
    return [*out, ("avoided", found.avoided_t, "tonnes")] if found.avoided_t > 0 else out


def _account_figures(found: Reckoned) -> list[Line]:
    accounts = found.accounts
    if accounts.empty:
        return []
    both = accounts[accounts["sheet_fen"].notna()]
    ours = float(both["own_fen"].astype(float).sum(min_count=len(both))) if len(both) else np.nan
    paid = float(both["sheet_fen"].sum())
    out: list[Line] = [("own", ours, MONEY), ("sheet", paid, MONEY), ("off", paid - ours, MONEY),
                       ("off_accounts", int(accounts["kinds"].ne("").sum()), "count")]  # fmt: skip
    elsewhere = float(both.loc[both["booked"].ne(both["month"]), "sheet_fen"].sum())
    if elsewhere:
        out.append(("elsewhere", elsewhere, MONEY))
    if accounts["unchecked"].any():
        out.append(("unchecked_many", int(accounts["unchecked"].sum()), "count"))
    return out


def _bank_figures(found: Reckoned) -> list[Line]:
    came = found.receipts
    names = {"bank_due": "due_fen", "came": "came_fen", "off_bank": "off_fen"}
    return [(key, float(came[n].sum()), MONEY) for key, n in names.items()] if len(came) else []


def _year_figures(found: Reckoned, write: Writer) -> list[Line]:
    if found.dividends is None:
        return []
    state = "proposal" if found.resolved is None else "resolved"
    day = "" if found.resolved is None else f" {found.resolved.isoformat()}"
    return [("dividend", found.dividends.shared_fen, MONEY),
            ("state", write.word(f"reckon_{state}") + day, "text")]  # fmt: skip
