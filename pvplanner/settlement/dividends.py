"""A year of a collective: what came, what went, what is kept, and what each member is to get.

A plant that several villages own has books of its own; what it has to share goes to its owners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pvplanner.money import collective_rows
from pvplanner.money.ledger import Ledger, divide_fen
from pvplanner.money.models import (
    COLLECTIVE,
    QUANTITIES,
    Case,
    Payment,
    payments_of,
    run_model,
)
from pvplanner.money.payments import (
    REPAID,
    at_once_of,
    divided,
    on_profit,
    taxable_cost,
    vat_owed,
    written_off,
)
from pvplanner.money.surplus import distribute

OWNED = ("written_off_fen", "surplus_fen", "fen")
"""What falls to an owner of a joint plant."""


@dataclass(frozen=True)
class Dividends:
    """A year's distribution, in whole fen.

    Attributes
    ----------
    year : int
    households : DataFrame
        ``books`` (whose dividend), ``household_id``, ``fen``.
    unnamed : dict of str to int
        Of members of low income by books, where they are not to be named.
    accounts : dict of str to dict of str to int
        By whose books: ``received``, ``paid`` (without principal), ``vat``, ``surcharge``, ``tax``,
        ``from_joint`` (its part of plants that several villages own), ``written_off`` and
        ``set_aside`` make the ``surplus``; of it ``reserve`` (what is put by), ``dividend`` and
        ``kept`` (carried forward); ``repaid`` (principal) and ``cash`` (at the year's end, as if
        all that is due had come and gone).
    owners : DataFrame
        Of plants that several villages own: ``books``, ``owner``, its parts of the write-off
        (``written_off_fen``: that money stays with the villages) and of the ``surplus_fen``, and
        ``fen``: what is paid out to it, where members are not paid from these books themselves.
    """

    year: int
    households: pd.DataFrame
    unnamed: dict[str, int]
    accounts: dict[str, dict[str, int]]
    owners: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["books", "owner", *OWNED])
    )

    @property
    def account(self) -> dict[str, int]:
        """The sum of all books."""
        every = list(self.accounts.values())
        return {name: sum(one[name] for one in every) for name in every[0]}

    @property
    def unnamed_fen(self) -> int:
        """Of members of low income."""
        return sum(self.unnamed.values())

    @property
    def shared_fen(self) -> int:
        """What goes to members: owners of joint plants share their part again."""
        return int(self.households["fen"].sum()) + self.unnamed_fen


def joined(parts: list[Dividends]) -> Dividends | None:
    """Several collectives' years as one; ``None`` of none."""
    if not parts:
        return None
    tables = {
        name: pd.concat([getattr(p, name) for p in parts], ignore_index=True)
        for name in ("households", "owners")
    }
    unnamed = {k: v for p in parts for k, v in p.unnamed.items()}
    accounts = {k: v for p in parts for k, v in p.accounts.items()}
    return Dividends(parts[0].year, tables["households"], unnamed, accounts, tables["owners"])


def missing_months(months: list[str], case: Case, year: int) -> list[str]:
    """Months from the plant's beginning to the year's end that were not settled."""
    begin = f"{case.calendar.begin:%Y-%m}"
    wanted = pd.period_range(begin, f"{year}-12", freq="M").astype(str)
    return [m for m in wanted if m not in set(months)]


def dividends_of(
    people: pd.DataFrame, case: Case, payments: pd.DataFrame, year: int, *, books: str = "",
    from_joint: Mapping[int, int] | None = None, shares: Mapping[str, float] | None = None,
    members: tuple[pd.DataFrame, Case] | None = None,
) -> Dividends | None:  # fmt: skip
    """What a collective has to share of a year; ``None`` where none owns anything.

    Parameters
    ----------
    people : DataFrame
    case : Case
        On the same rows.
    payments : DataFrame
        Of every month from the plant's beginning to the year's end, as from
        :func:`pvplanner.settlement.shares.month_payments`.
    year : int
        A calendar year.
    books : str
        Whose account it is.
    from_joint : mapping of int to int, optional
        What owners of joint plants shared out to it by calendar year, fen. It is taxed already.
    shares : mapping of str to float, optional
        The owners of a joint plant: what there is to share goes to them, none of it is put by
        (they do that), and none goes to a household.
    members : (DataFrame, Case), optional
        Who shares, where these are more than the households of the plants: a roof that carries a
        joint plant is a member's all the same.
    """
    owned = collective_rows(people, case.terms)
    if not owned:
        return _of_joint_alone(people, case, year, books, from_joint, members)
    model, rows = owned[0]
    mine = case.part(rows).of_owner(COLLECTIVE)
    ledger = run_model(case.part(rows), model)
    count, at = mine.calendar.count, year - mine.calendar.begin.year
    flows = payments[payments["month"].str[:4].astype(int).le(year)]
    got, paid = (_by_year(flows, mine, side) for side in ("payee", "payer"))
    taxes = _taxes(mine, ledger, model, flows, got - paid)
    income = np.zeros(count)
    for when, fen in (from_joint or {}).items():
        if 0 <= when - mine.calendar.begin.year < count:
            income[when - mine.calendar.begin.year] = fen
    left = got - paid - sum(taxes.values()) + income
    repaid = _by_year(flows[flows["item"].isin(REPAID)], mine, "payer")
    balances = ledger.balances
    written = np.rint(balances["written_off"] * 100)
    aside = np.rint(np.diff(balances["renewal_fund"], prepend=0.0) * 100)
    # Years that have not been are no losses.
    later = np.arange(count) > at
    written, aside = np.where(later, 0, written), np.where(later, 0, aside)
    terms = mine.terms
    row, most = _row_of(model, "distribution"), terms.reserve.most
    at_once = ledger.of_party(COLLECTIVE)[0]
    found = distribute(
        left, written, repaid, aside, 0.0 if shares is not None else float(terms.rate(row.rate)[0]),
        None if most is None else float(np.rint(-at_once * most * 100)),
    )  # fmt: skip
    account = {
        "received": got, "paid": paid - repaid, **taxes, "from_joint": income,
        "written_off": written,
        "set_aside": aside, "surplus": left + repaid - written - aside, "repaid": repaid,
        "reserve": np.diff(found["reserve"], prepend=0.0), "dividend": found["dividend"],
        "kept": found["undistributed"], "cash": found["cash"],
    }  # fmt: skip
    whole = {name: int(np.rint(values[at])) for name, values in account.items()}
    if shares is not None:
        return _to_owners(year, books, whole, shares)
    some, unnamed = _to_members(books, members or (people, case), found["dividend"], at)
    told = _by_owner(books, whole, terms.cooperative.owners, 0)
    return Dividends(year, some, {books: unnamed}, {books: whole}, told)


def _to_members(
    books: str, members: tuple[pd.DataFrame, Case], dividend: np.ndarray, at: int
) -> tuple[pd.DataFrame, int]:
    """What each member gets of a year's dividend, and what is told as one sum."""
    people, case = members
    model, rows = collective_rows(people, case.terms)[0]
    mine = case.part(rows).of_owner(COLLECTIVE)
    quantity = QUANTITIES[_row_of(model, "distribution").quantity](mine)
    parts, unnamed = divided(mine, dividend, quantity)
    homes = pd.DataFrame({
        "books": books, "household_id": people["household_id"].astype(str).to_numpy()[rows],
        "fen": parts[:, at].astype(np.int64),
    })  # fmt: skip
    return homes[homes["fen"] > 0].reset_index(drop=True), int(unnamed[at])


def _of_joint_alone(
    people: pd.DataFrame, case: Case, year: int, books: str, joint: Mapping[int, int] | None,
    members: tuple[pd.DataFrame, Case] | None,
) -> Dividends | None:  # fmt: skip
    """A village that has nothing but its part of joint plants; ``None`` without one."""
    if not joint or members is None or not collective_rows(members[0], members[1].terms):
        return None
    whole = members[1].of_owner(COLLECTIVE)
    begin, count = whole.calendar.begin.year, whole.calendar.count
    got = np.array([float(joint.get(begin + n, 0)) for n in range(count)])
    nothing = np.zeros(count)
    rate = float(whole.terms.rate("reserve_rate")[0])
    found = distribute(got, nothing, nothing, nothing, rate)
    at = year - begin
    some, unnamed = _to_members(books, members, found["dividend"], at)
    lines = dict.fromkeys(("received", "paid", "vat", "surcharge", "tax", "written_off",
                           "set_aside", "repaid"), 0)  # fmt: skip
    reserve = np.diff(found["reserve"], prepend=0.0)
    account = lines | {
        "from_joint": int(got[at]), "surplus": int(got[at]), "reserve": int(np.rint(reserve[at])),
        "dividend": int(found["dividend"][at]), "kept": int(found["undistributed"][at]),
        "cash": int(found["cash"][at]),
    }  # fmt: skip
    return Dividends(year, some, {books: unnamed}, {books: account})


def _to_owners(
    year: int, books: str, account: dict[str, int], shares: Mapping[str, float]
) -> Dividends:
    """A joint plant's year: whole fen to its owners by their shares."""
    owners = _by_owner(books, account, shares, account["dividend"])
    nobody = pd.DataFrame({"books": [], "household_id": [], "fen": []}).astype({"fen": np.int64})
    return Dividends(year, nobody, {books: 0}, {books: account}, owners)


def _by_owner(
    books: str, account: dict[str, int], shares: Mapping[str, float], paid: int
) -> pd.DataFrame:
    """What falls to each owner, in whole fen that sum to the plant's own; a loss too."""
    weights = np.array(list(shares.values()))
    table = pd.DataFrame({"books": books, "owner": list(shares)})
    for name, fen in zip(OWNED, (account["written_off"], account["surplus"], paid), strict=True):
        parts = divide_fen(np.array([abs(fen)]), weights)[:, 0] if len(shares) else np.zeros(0)
        table[name] = (np.sign(fen) * parts).astype(np.int64)
    return table


def _row_of(model: str, rule: str) -> Payment:
    """The payment of a model that goes by a rule."""
    return next(row for row in payments_of(model) if row.rule == rule)


def _by_year(flows: pd.DataFrame, case: Case, side: str) -> np.ndarray:
    """What the collective received or paid in each calendar year, fen; shape (count,)."""
    own = flows[flows[side].eq(COLLECTIVE)]
    years = own["month"].str[:4].astype(int) - case.calendar.begin.year
    return np.bincount(years, own["fen"].astype(float), case.calendar.count)


def _taxes(
    case: Case, ledger: Ledger, model: str, flows: pd.DataFrame, left: np.ndarray
) -> dict[str, np.ndarray]:
    """VAT by quarters, its surcharge, and tax on the profit, by calendar year, whole fen."""
    terms, count = case.terms, case.calendar.count
    taxed = _row_of(model, "vat").quantity.split()
    # What it gives away counts as a sale; what an agent sold the agent has taxed.
    whose = flows["payee"].eq(COLLECTIVE) | flows["payer"].eq(COLLECTIVE)
    sold = flows[flows["item"].isin(taxed) & whose]
    number = sold["month"].str[5:7].astype(int) - 1
    quarter = (sold["month"].str[:4].astype(int) - case.calendar.begin.year) * 4 + number // 3
    sums = np.bincount(quarter, sold["fen"].astype(float), 4 * count).reshape(count, 4) / 100
    sales = sums.sum(axis=1)
    quarters = np.divide(sums, sales[:, None], out=np.full((count, 4), 0.25),
                         where=sales[:, None] > 0)  # fmt: skip
    vat = np.rint(100 * vat_owed(terms, COLLECTIVE, sales, quarters, at_once_of(ledger, "capital")))
    surcharge = np.rint(vat * terms.taxes.city)
    repaid = _by_year(flows[flows["item"].isin(REPAID)], case, "payer")
    written = written_off(case, taxable_cost(ledger, _row_of(model, "profit_tax").quantity))
    profit = (left + repaid - vat - surcharge) / 100
    tax = np.rint(100 * on_profit(terms, profit, written))
    return {"vat": vat, "surcharge": surcharge, "tax": tax}
