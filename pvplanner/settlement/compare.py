"""A sheet against our own reckoning: each difference with its kind, to the fen.

From our own figures one step leads to the sheet's after another: its energy, its prices, the
mechanism, what its amounts are beyond quantity times price, its tax, its total. What each step
changes of the total is that kind's part, so that the parts sum to the whole difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.settlement.rules import Amounts, Rules, amounts_of, tax_on, total_of

KINDS = ("energy", "price", "mechanism", "rounding", "arithmetic", "tax", "sum")
"""What a difference may be of; beside them ``missing`` from the sheet, and not ``expected``."""

COMPARED = ("household_id", "account", "month", "own_kwh", "sheet_kwh", "own_fen", "sheet_fen",
            *(f"{kind}_fen" for kind in KINDS), "kinds", "market_price", "own_price", "gross_fen",
            "mechanism_kwh", "tax_fen_sheet", "tax_is")  # fmt: skip

ROUNDING_FEN = 1
"""An amount so near to quantity times price is a matter of rounding."""


def compare_sheet(
    sheet: pd.DataFrame, own: pd.DataFrame, rules: Mapping[tuple[str, str], Rules]
) -> pd.DataFrame:
    """Each account's month, ours and the sheet's.

    Parameters
    ----------
    sheet : DataFrame
        As :class:`pvplanner.settlement.Sheet` has it, with ``household_id``.
    own : DataFrame
        ``household_id``, ``account``, ``month``, ``kwh`` (what our own meter says was sent; nan
        where it does not say).
    rules : mapping of (account, month) to Rules

    Returns
    -------
    DataFrame
        :data:`COMPARED`. The kinds' parts sum to ``sheet_fen - own_fen``; ``kinds`` names those
        that are not nought, ``missing`` what the sheet lacks, ``unplanned`` what we know nothing
        of.
    """
    known = own.set_index(["account", "month"])["kwh"]
    digits = _digits(sheet["energy"])
    known = _as_written(known, sheet, digits)
    own = own.assign(kwh=known.to_numpy())
    fine = Fine(digits, 10.0 ** -_digits(sheet["market_price"], 6))
    rows = []
    for told in sheet.to_dict("records"):
        key = (str(told["account"]), str(told["month"]))
        rows.append(_compared(told, float(known.get(key, np.nan)), rules.get(key), fine))
    there = {(r["account"], r["month"]) for r in rows}
    rows += [
        _missing(told, rules[told["account"], told["month"]], fine)
        for told in own.to_dict("records")
        if (told["account"], told["month"]) not in there
        and (told["account"], told["month"]) in rules
    ]
    return pd.DataFrame(rows, columns=list(COMPARED))


@dataclass(frozen=True)
class Fine:
    """How fine a sheet is: places of its energies, and the step of its prices."""

    digits: int
    price_step: float


def _digits(values: pd.Series, most: int = 4) -> int:
    """How many places a column of energies has."""
    told = values.dropna()
    return next((n for n in range(most) if np.allclose(told, told.round(n), atol=1e-9)), most)


def _as_written(known: pd.Series, sheet: pd.DataFrame, digits: int) -> pd.Series:
    """Our energies with as many places as the sheet's, cut or rounded as most of it is."""
    step = 10.0**-digits
    rounded = np.floor(known / step + 0.5 + 1e-9) * step
    cut = np.floor(known / step + 1e-9) * step
    told = sheet.set_index(["account", "month"])["energy"]
    told = told[~told.index.duplicated()].reindex(known.index)
    fits = {n: int((told - one).abs().lt(step / 2).sum()) for n, one in enumerate((rounded, cut))}
    return (cut if fits[1] > fits[0] else rounded).round(9)


def _compared(
    told: Mapping[str, Any], own_kwh: float, rules: Rules | None, fine: Fine
) -> dict[str, object]:
    """One account's month."""
    energy, total = float(told["energy"]), int(told["total_fen"])
    tax_is = str(told["tax_is"])
    base = {
        "household_id": told["household_id"], "account": told["account"], "month": told["month"],
        "own_kwh": own_kwh, "sheet_kwh": energy, "sheet_fen": total,
        "market_price": told["market_price"], "tax_is": tax_is,
    }  # fmt: skip
    if rules is None:
        return {**base, "own_fen": np.nan, "kinds": "unplanned", "own_price": np.nan,
                "gross_fen": total, "tax_fen_sheet": _whole(told["tax_fen"], 0)}  # fmt: skip
    # Where our meter does not say what was sent the sheet's energy is taken for it.
    own = amounts_of(
        energy if np.isnan(own_kwh) else own_kwh, rules, tax_is=tax_is, digits=fine.digits
    )
    steps = _steps(told, energy, rules, own, fine)
    parts = {f"{kind}_fen": 0 for kind in KINDS}
    at = own_total = total_of(own.gross, own.tax, tax_is)
    for kind, reached in steps:
        parts[f"{kind}_fen"] += reached - at
        at = reached
    kinds = [kind for kind in KINDS if parts[f"{kind}_fen"]]
    # An energy or a price may differ and change no fen.
    if "energy" not in kinds and not np.isnan(own_kwh) and abs(energy - own_kwh) > 1e-9:
        kinds.insert(0, "energy")
    if "price" not in kinds and not _near(told["market_price"], rules.market, fine):
        kinds.append("price")
    sheet = _amounts(told, own)
    of_sheet = amounts_of(energy, rules, tax_is=tax_is, digits=fine.digits).mechanism_energy
    under = _number(told["mechanism_energy"], of_sheet)
    tax = _whole(told["tax_fen"], tax_on(sheet.gross, rules, tax_is))
    return {**base, **parts, "own_fen": own_total, "kinds": " ".join(kinds),
            "own_price": rules.market, "gross_fen": sheet.gross, "mechanism_kwh": under,
            "tax_fen_sheet": tax}  # fmt: skip


def _steps(
    told: Mapping[str, Any], energy: float, rules: Rules, own: Amounts, fine: Fine
) -> list[tuple[str, int]]:
    """Totals on the way from our own to the sheet's, each with what the step was of."""
    tax_is = str(told["tax_is"])

    def total(amounts: Amounts) -> int:
        return total_of(amounts.gross, amounts.tax, tax_is)

    def reckoned(by: Rules) -> Amounts:
        return amounts_of(energy, by, tax_is=tax_is, digits=fine.digits)

    first = reckoned(rules)
    priced = replace(rules, market=_number(told["market_price"], rules.market))
    second = reckoned(priced)
    third = _under(told, reckoned(_mechanism(told, priced)), priced)
    third = replace(third, tax=tax_on(third.gross, rules, tax_is))
    # A price that is ours but for its last place is no other price.
    near = _near(priced.market, rules.market, fine)
    out = [("energy", total(first)), ("rounding" if near else "price", total(second)),
           ("mechanism", total(third))]  # fmt: skip
    fourth = third
    for name in ("market", "difference", "subsidy"):
        said = _whole(told[f"{name}_fen"], getattr(fourth, name))
        off = abs(said - getattr(fourth, name))
        changed: dict[str, Any] = {name: said}
        fourth = replace(fourth, **changed)
        fourth = replace(fourth, tax=tax_on(fourth.gross, rules, tax_is))
        at = total(fourth)
        out.append(("rounding" if off <= ROUNDING_FEN else "arithmetic", at))
    last = replace(fourth, tax=_whole(told["tax_fen"], fourth.tax))
    whole = int(told["total_fen"])
    out.append(("tax", total(last)))
    left = "rounding" if abs(whole - total(last)) <= ROUNDING_FEN else "sum"
    return [*out, (left, whole)]


def _near(said: Any, ours: float, fine: Fine) -> bool:
    """Whether a price is ours but for its last place, or not said."""
    return bool(pd.isna(said) or abs(float(said) - ours) <= 0.5 * fine.price_step + 1e-12)


def _mechanism(told: Mapping[str, Any], rules: Rules) -> Rules:
    """The rules with what the sheet says of the mechanism's prices."""
    bid = _number(told["mechanism_price"], rules.bid)
    mean = _number(told["mean_price"], rules.mean)
    return replace(rules, bid=float(bid), mean=float(mean))


def _under(told: Mapping[str, Any], reckoned: Amounts, rules: Rules) -> Amounts:
    """With the sheet's own energy under the mechanism."""
    if pd.isna(told["mechanism_energy"]):
        return reckoned
    by, under = _mechanism(told, rules), float(told["mechanism_energy"])
    all_under = replace(by, share=1.0)
    return replace(
        reckoned, difference=amounts_of(under, all_under, tax_is="within").difference,
        mechanism_energy=under,
    )  # fmt: skip


def _amounts(told: Mapping[str, Any], own: Amounts) -> Amounts:
    """The sheet's amounts; ours where it has none of a kind."""
    market, difference, subsidy, tax = (
        _whole(told[f"{n}_fen"], getattr(own, n))
        for n in ("market", "difference", "subsidy", "tax")
    )
    return Amounts(market, difference, subsidy, tax, own.mechanism_energy)


def _number(value: Any, other: float) -> float:
    """A number, or another where it is not said."""
    return float(other) if value is None or pd.isna(value) else float(value)


def _whole(value: Any, other: int) -> int:
    """Whole fen, or others where they are not said."""
    return other if value is None or pd.isna(value) else int(value)


def _missing(told: Mapping[str, Any], rules: Rules, fine: Fine) -> dict[str, object]:
    """An account's month that the sheet does not have: delayed, or forgotten."""
    kwh, paid = float(told["kwh"]), np.nan
    if not np.isnan(kwh):
        own = amounts_of(kwh, rules, tax_is="withheld", digits=fine.digits)
        paid = total_of(own.gross, own.tax, "withheld")
    return {
        "household_id": told["household_id"], "account": told["account"], "month": told["month"],
        "own_kwh": kwh, "sheet_kwh": np.nan, "own_fen": paid, "sheet_fen": np.nan,
        "kinds": "missing", "own_price": rules.market, "market_price": np.nan, "tax_is": "",
    }  # fmt: skip
