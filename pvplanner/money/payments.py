"""How a row of ``models.csv`` becomes payments: quantity times rate, or one of a few rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pvplanner.money.ledger import Ledger, divide_fen
from pvplanner.money.models import COLLECTIVE, HOUSEHOLD, QUANTITIES, Case, Payment

DEBT = ("interest", "principal")
"""Items of debt service."""


def is_pooled(ledger: Ledger, row: Payment) -> bool:
    """Whether a payment is the collective's as a whole, and no single household's."""
    return ledger.owner == COLLECTIVE and HOUSEHOLD not in (row.payer, row.payee)


def enter(case: Case, ledger: Ledger, row: Payment) -> None:
    """Quantity times rate."""
    at_once = row.when == "start"
    rate = case.terms.rate(row.rate)
    amount = quantity_of(case, ledger, row.quantity)
    by_year = amount[:, None] if amount.ndim == 1 else amount
    yuan = amount * rate[0] if at_once else by_year * rate
    if is_pooled(ledger, row):
        yuan = yuan.sum(axis=0)
    ledger.pay(row.item, row.payer, row.payee, yuan, at_once=at_once)


def quantity_of(case: Case, ledger: Ledger, name: str) -> np.ndarray:
    """A quantity of the case, or what was paid every year under an item."""
    if name in QUANTITIES:
        return QUANTITIES[name](case)
    return ledger.paid(name)[..., 1:]


def at_most(case: Case, ledger: Ledger, row: Payment) -> None:
    """A stated sum, at most the quantity."""
    most = float(QUANTITIES[row.quantity](case).sum())
    sum_ = capped(float(case.terms.rate(row.rate)[0]), most)
    ledger.pay(row.item, row.payer, row.payee, np.asarray(sum_), at_once=True)


def capped(sum_: float, most: float) -> float:
    """A stated sum, at most another; nan where that is unknown."""
    return min(sum_, most) if np.isfinite(most) else float("nan")


def lend(case: Case, ledger: Ledger, row: Payment) -> None:
    """A share of what was paid at once under the first item less the others."""
    first, *others = row.quantity.split()
    base = ledger.paid(first)[..., 0]
    for item in others:
        base = base - ledger.paid(item)[..., 0]
    principal = np.rint(base * case.terms.rate(row.rate)[0] * 100) / 100
    ledger.pay(row.item, row.payer, row.payee, principal, at_once=True)


def instal(case: Case, ledger: Ledger, row: Payment) -> None:
    """Interest or repayment of a loan: the year's rate times the principal.

    Repayments are cut to whole fen so that they sum to the principal.
    """
    yuan = instalments(ledger.paid(row.quantity)[..., :1], case.terms.rate(row.rate))
    if row.item == "principal":
        total = np.rint(np.cumsum(yuan, axis=-1) * 100)
        yuan = np.diff(total, axis=-1, prepend=0) / 100
    ledger.pay(row.item, row.payer, row.payee, yuan)


def instalments(principal: np.ndarray | float, rate: np.ndarray) -> np.ndarray:
    """Each year's part of a principal."""
    return np.asarray(principal * rate)


def events(case: Case, ledger: Ledger, row: Payment) -> None:
    """Each event's cost, or what the insurer covers of it, under the event's own name."""
    insured = row.item.endswith("_insured")
    for kind, cost, covered in case.terms.events():
        yuan = np.outer(QUANTITIES[row.quantity](case), covered if insured else cost)
        if is_pooled(ledger, row):
            yuan = yuan.sum(axis=0)
        ledger.pay(f"{kind}_insured" if insured else kind, row.payer, row.payee, yuan)


def value_added_tax(
    sales: np.ndarray, free: np.ndarray, most: float, rate: np.ndarray | float
) -> np.ndarray:
    """VAT of a small taxpayer on yearly sales: none below a monthly threshold in its years.

    Parameters
    ----------
    sales : ndarray, shape (years,)
        VAT included; taken as even over the year.
    free : ndarray of bool, shape (years,)
        Years in which the threshold holds.
    most : float
        Sales a month below which nothing is owed; from it on the whole is taxed (VAT Law art. 23).
    rate : float or ndarray
        On the price without the tax (art. 17).
    """
    net = sales / (1 + np.asarray(rate))
    return np.where((net / 12 < most) & free, 0.0, net * rate)


def vat(case: Case, ledger: Ledger, row: Payment) -> None:
    """VAT on what the payer received under the named items."""
    sales = np.zeros(case.years)
    for item in row.quantity.split():
        sales = sales + ledger.received(row.payer, item)[1:]
    terms = case.terms
    most = terms.finance.vat_free_per_month
    owed = value_added_tax(sales, terms.vat_free, most, terms.rate(row.rate))
    ledger.pay(row.item, row.payer, row.payee, owed)


def profit_tax(case: Case, ledger: Ledger, row: Payment) -> None:
    """Income tax of the payer: interest and the plant's write-off are costs, a grant is no cost."""
    profit = ledger.of_party(row.payer, without=("principal",))[1:]
    names = row.quantity.split()
    cost = float(ledger.paid(names[0])[..., 0].sum())
    for grant in names[1:]:
        cost -= float(ledger.paid(grant)[..., 0].sum())
    written = write_off(cost, case.terms.finance.book_life_years, case.years)
    owed = tax_on_profit(profit, written, case.terms.rate(row.rate))
    ledger.pay(row.item, row.payer, row.payee, owed)


LOSS_YEARS = 5
"""Years for which a loss is carried forward (Enterprise Income Tax Law art. 18)."""


def tax_on_profit(profit: np.ndarray, written_off: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Tax of each year on what the write-off and the losses of five years before leave.

    Parameters
    ----------
    profit : ndarray, shape (years,)
        After interest, before the write-off.
    written_off, rate : ndarray, shape (years,)
    """
    owed = np.zeros(len(profit))
    losses: list[float] = []
    for year, left in enumerate(profit - written_off):
        rest = left
        losses = losses[-LOSS_YEARS:]
        if left >= 0:
            for n, loss in enumerate(losses):
                used = min(loss, rest)
                losses[n], rest = loss - used, rest - used
        losses.append(max(-left, 0.0))
        owed[year] = max(rest, 0.0) * rate[year] if left == left else float("nan")
    return owed


def write_off(cost: float, life: int, years: int) -> np.ndarray:
    """Straight line over a life, each year's part of the cost; nothing after it.

    Rounded so that what was written off by any year is a whole fen.
    """
    year = np.minimum(np.arange(years + 1), life)
    return np.asarray(np.diff(np.rint(cost * 100 * year / life)) / 100)


def distribute(
    left_fen: np.ndarray, written_off_fen: np.ndarray, repaid_fen: np.ndarray, reserve_rate: float
) -> dict[str, np.ndarray]:
    """What a collective keeps and gives, year by year, in the lawful order.

    The surplus is what is left before the loan is repaid, less the plant's write-off: the money
    for that stays, as it keeps what the collective put in. Of the surplus come first the losses
    of earlier years (the reserve covers what it can), then the reserve's share, then the members,
    who get no more than there is cash for; the rest is carried forward. All in whole fen.

    Parameters
    ----------
    left_fen : ndarray, shape (years,)
        What is left of each year after costs, tax and debt service, fen.
    written_off_fen, repaid_fen : ndarray, shape (years,)
        Write-off of the plant, and what was repaid of the loan.
    reserve_rate : float

    Returns
    -------
    dict of str to ndarray
        ``dividend``, and at the end of each year ``cash``, ``reserve`` and ``undistributed`` (below
        nought: losses to be made good), fen.
    """
    names = ("dividend", "cash", "reserve", "undistributed")
    out = {name: np.zeros(len(left_fen)) for name in names}
    cash = reserve = pool = 0.0
    for year, left in enumerate(left_fen):
        cash += left
        surplus = left + repaid_fen[year] - written_off_fen[year]
        pool += surplus
        if pool < 0:
            drawn = min(reserve, -pool)
            reserve, pool = reserve - drawn, pool + drawn
        if pool > 0:
            # What is carried forward has given the reserve its share already.
            kept = np.rint(max(min(pool, surplus), 0.0) * reserve_rate)
            reserve, pool = reserve + kept, pool - kept
            given = np.floor(min(pool, max(cash, 0.0)) + 1e-4)
            cash, pool = cash - given, pool - given
            out["dividend"][year] = given
        out["cash"][year], out["reserve"][year], out["undistributed"][year] = cash, reserve, pool
    return out


LOW_INCOME = "low_income_members"
"""Who is paid what goes to members of low income alone, where they are not to be named."""


def distribution(case: Case, ledger: Ledger, row: Payment) -> None:
    """Dividends: to low-income members, to all members alike, the rest by the quantity."""
    net = ledger.of_party(row.payer)[1:]
    service = np.zeros(case.years)
    for item in DEBT:
        service = service - ledger.received(row.payer, item)[1:]
    ledger.balances["available"], ledger.balances["service"] = net + service, service
    if not np.isfinite(net).all():
        unknown = np.full((case.count, case.years), np.nan)
        ledger.pay(row.item, row.payer, row.payee, unknown)
        return
    at_once = ledger.of_party(row.payer)[0]
    lent, granted = (float(ledger.received(row.payer, item)[0]) for item in ("loan", "grant"))
    repaid = -ledger.received(row.payer, "principal")[1:]
    # All that was paid at the beginning, rents paid ahead with the plant.
    cost = lent + granted - float(at_once)
    written = write_off(cost, case.terms.finance.book_life_years, case.years)
    found = distribute(
        np.rint(net * 100), np.rint(written * 100), np.rint(repaid * 100),
        float(case.terms.rate(row.rate)[0]),
    )  # fmt: skip
    parts, unnamed = np.zeros((case.count, case.years)), np.zeros(case.years)
    shares = _shares(case, found["dividend"], QUANTITIES[row.quantity](case))
    if not case.terms.low_income_named:
        unnamed, shares = shares[0][0], shares[1:]
    for fen, weight in shares:
        parts += divide_fen(fen, weight)
    ledger.pay(row.item, row.payer, row.payee, parts / 100)
    ledger.pay(row.item, row.payer, LOW_INCOME, unnamed / 100)
    ledger.balances |= {
        "cash": found["cash"] / 100,
        "plant": cost - np.cumsum(written),
        "loan": lent - np.cumsum(repaid),
        "own": np.full(case.years, -float(at_once)),
        "granted": np.full(case.years, granted),
        "reserve": found["reserve"] / 100,
        "undistributed": found["undistributed"] / 100,
    }


def _shares(
    case: Case, dividend: np.ndarray, weight: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fen and weights of each part of a dividend."""
    terms, member = case.terms.cooperative, case.member.astype(float)
    poor = case.poor.astype(float)
    there = poor.any() or not case.terms.low_income_named
    to_low = np.floor(dividend * terms.low_income_share) if there else np.zeros_like(dividend)
    alike = np.floor(dividend * terms.equal_share)
    return [(to_low, poor), (alike, member), (dividend - to_low - alike, weight * member)]


RULES: dict[str, Callable[[Case, Ledger, Payment], None]] = {
    "at_most": at_most,
    "loan": lend,
    "instalment": instal,
    "events": events,
    "vat": vat,
    "profit_tax": profit_tax,
    "distribution": distribution,
}
"""The closed list: what is no product of a quantity and a rate."""

RECKONED = {
    "at_most": capped,
    "instalment": instalments,
    "vat": value_added_tax,
    "profit_tax": tax_on_profit,
    "write_off": write_off,
    "distribution": distribute,
}
"""What the rules reckon, on plain numbers; the page has the same (``reference/rules.json``)."""
