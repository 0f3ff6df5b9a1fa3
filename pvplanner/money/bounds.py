"""Where a rule is not settled: what the other reading would change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.money import chosen_rows, run_model
from pvplanner.money.fiscal import enacted_until
from pvplanner.money.models import Case

COLUMNS = ("item", "chosen", "other", "households", "yuan")


def rule_bounds(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Each open rule as it was taken, and what the other way changes for the households.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: ``households`` whose income changes over the life and ``yuan`` by how much
        a year in the mean, in sum; of persons' sales also where nothing changes.
    """
    before, rows = _incomes(people, case), []
    for item, chosen, other, section, change in _others(case):
        part = getattr(case.terms, section).model_copy(update=change)
        terms = replace(case.terms, **{section: part})
        changed = _incomes(people, replace(case, terms=terms))
        moved = np.round(changed - before, 2)
        if np.isfinite(moved).all() and ((moved != 0).any() or item == "person_vat"):
            rows.append((item, chosen, other, int((moved != 0).sum()), float(moved.sum().round(2))))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    kinds = {"item": "str", "chosen": "str", "other": "str", "households": "int64",
             "yuan": "float64"}  # fmt: skip
    return table.astype(kinds)


def _others(case: Case) -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """Item, the way taken, the other, and the section and keys that make it."""
    finance, aside = case.terms.finance, case.terms.cooperative.provision
    by_sale, at_once = finance.person_vat == "by_sale", finance.rent_taxed == "at_once"
    tax = float(reference.constant("dividend_tax").value)
    taxed, free = finance.dividend_tax > 0, finance.tax_holiday
    stays = finance.vat_free_until is None
    ends = ("vat_ends", "vat_stays")
    month, lump, told = ("by_sale", "by_month"), ("at_once", "spread"), ("yes", "no")
    return [
        ("person_vat", month[not by_sale], month[by_sale], "finance",
         {"person_vat": month[by_sale]}),
        ("rent_taxed", lump[not at_once], lump[at_once], "finance",
         {"rent_taxed": lump[at_once]}),
        ("dividend_taxed", f"{finance.dividend_tax:.0%}", "0%" if taxed else f"{tax:.0%}",
         "finance", {"dividend_tax": 0.0 if taxed else tax}),
        ("vat_threshold", ends[stays], ends[not stays], "finance",
         {"vat_free_until": enacted_until() if stays else None}),
        ("tax_holiday", told[not free], told[free], "finance", {"tax_holiday": not free}),
        ("provision", told[not aside], told[aside], "cooperative", {"provision": not aside}),
    ]  # fmt: skip


def _incomes(people: pd.DataFrame, case: Case) -> np.ndarray:
    """Mean yearly income of each household under its model."""
    out = np.zeros(case.count)
    for model, rows in chosen_rows(people, case.terms):
        net = run_model(case.part(rows), model).of_households()
        out[rows] = net[:, 1:].sum(axis=1) / case.years
    return out
