"""How a row of ``models.csv`` becomes payments: quantity times rate, or one of a few rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pvplanner import reference
from pvplanner.money.fiscal import business_bands, rent_terms
from pvplanner.money.ledger import Ledger, divide_fen
from pvplanner.money.models import (
    COLLECTIVE,
    DEVELOPER,
    GENERATED,
    HOUSEHOLD,
    QUANTITIES,
    Case,
    Payment,
)
from pvplanner.money.surplus import distribute, provide
from pvplanner.money.taxes import (
    tax_on_person,
    tax_on_profit,
    tax_on_rent,
    value_added_tax,
    vat_by_sale,
    write_off,
)
from pvplanner.money.terms import Terms

DEBT = ("interest", "principal", "member_interest", "member_principal")
"""Items of debt service."""

REPAID = ("principal", "member_principal")
"""Of these, what is no cost."""

LENT = ("loan", "member_loan")
GRANTED = ("grant", "class_grant")
"""What pays for a plant beside its owner."""


def is_pooled(ledger: Ledger, row: Payment) -> bool:
    """Whether a payment is the collective's as a whole, and no single household's."""
    return ledger.owner == COLLECTIVE and HOUSEHOLD not in (row.payer, row.payee)


def enter(case: Case, ledger: Ledger, row: Payment) -> None:
    """Quantity times rate."""
    at_once = row.when == "start"
    rate = case.terms.rate(row.rate)
    amount = quantity_of(case, ledger, row.quantity, row.payer)
    if at_once:
        yuan = amount * rate[0]
    elif row.quantity in QUANTITIES:
        by_year = amount[:, None] if amount.ndim == 1 else amount
        yuan = by_calendar(case, row, by_year * rate)
    else:
        # What was paid is by calendar years already; only rates alike in all years go with it.
        yuan = amount * rate[0]
    if is_pooled(ledger, row) and row.quantity in QUANTITIES:
        yuan = yuan.sum(axis=0)
    ledger.pay(row.item, row.payer, row.payee, yuan, at_once=at_once)


def by_calendar(case: Case, row: Payment, yuan: np.ndarray) -> np.ndarray:
    """Sums of years of life as those of calendar years, by when they are paid."""
    if row.when == "end":
        return case.calendar.at_end(yuan)
    return case.calendar.spread(yuan, made=row.quantity in GENERATED)


def quantity_of(case: Case, ledger: Ledger, name: str, payer: str) -> np.ndarray:
    """A quantity of the case, or what the payer got every year, or at once, under an item."""
    if name in QUANTITIES:
        return QUANTITIES[name](case)
    paid = ledger.paid(name, payer)
    return paid[..., 0] if name in LENT else paid[..., 1:]


def at_once_of(ledger: Ledger, item: str) -> float:
    """What was paid at once under an item by all together."""
    return float(np.sum(ledger.paid(item)[..., 0]))


def left_of(ledger: Ledger, names: str) -> np.ndarray:
    """What was paid at once under the first item less the others, yuan; (households,) or one."""
    first, *others = names.split()
    left = ledger.paid(first)[..., 0]
    for item in others:
        part = ledger.paid(item)[..., 0]
        left = left - (part.sum() if np.ndim(left) < np.ndim(part) else part)
    return np.asarray(left)


def at_most(case: Case, ledger: Ledger, row: Payment) -> None:
    """A stated sum, at most what is left of the first item."""
    most = float(left_of(ledger, row.quantity).sum())
    sum_ = capped(float(case.terms.rate(row.rate)[0]), most)
    ledger.pay(row.item, row.payer, row.payee, np.asarray(sum_), at_once=True)


def capped(sum_: float, most: float) -> float:
    """A stated sum, at most another; nan where that is unknown."""
    return min(sum_, most) if np.isfinite(most) else float("nan")


def members_lend(case: Case, ledger: Ledger, row: Payment) -> None:
    """A share of the quantity, less where grants leave less than that of the plant to be paid."""
    asked = QUANTITIES[row.quantity](case)
    left = float(left_of(ledger, " ".join(("capital", *GRANTED))).sum())
    share = share_left(float(case.terms.rate(row.rate)[0]), float(asked.sum()), left)
    ledger.pay(row.item, row.payer, row.payee, asked * share, at_once=True)


def share_left(share: float, asked: float, left: float) -> float:
    """A share of what is asked for, at most what is left."""
    return min(share, max(left, 0.0) / asked) if asked > 0 else share


def lend(case: Case, ledger: Ledger, row: Payment) -> None:
    """A share of what was paid at once under the first item less the others."""
    # Members' loans are rounded by household: a fen more than is left is nothing to lend.
    base = np.maximum(left_of(ledger, row.quantity), 0.0)
    principal = np.rint(base * case.terms.rate(row.rate)[0] * 100) / 100
    ledger.pay(row.item, row.payer, row.payee, principal, at_once=True)


def instal(case: Case, ledger: Ledger, row: Payment) -> None:
    """Interest or repayment of a loan: the year's rate times the principal.

    Repayments are cut to whole fen so that they sum to the principal.
    """
    by_year = case.terms.instalments[row.rate].sum(axis=1)
    yuan = instalments(ledger.paid(row.quantity)[..., :1], by_year)
    if row.item in REPAID:
        total = np.rint(np.cumsum(yuan, axis=-1) * 100)
        yuan = np.diff(total, axis=-1, prepend=0) / 100
    ledger.pay(row.item, row.payer, row.payee, yuan)


def instalments(principal: np.ndarray | float, rate: np.ndarray) -> np.ndarray:
    """Each year's part of a principal."""
    return np.asarray(principal * rate)


def events(case: Case, ledger: Ledger, row: Payment) -> None:
    """Each event's cost, or what the insurer covers of it, under the event's own name."""
    insured = row.item.endswith("_insured")
    told = zip(case.terms.finance.events, case.hits, strict=True)
    hits = [hit for event, hit in told if event.year <= case.years]
    for (kind, cost, covered), hit in zip(case.terms.events(), hits, strict=True):
        rate = (covered if insured else cost) * case.terms.under_lease
        yuan = case.calendar.within(np.outer(QUANTITIES[row.quantity](case) * hit, rate))
        if is_pooled(ledger, row):
            yuan = yuan.sum(axis=0)
        ledger.pay(f"{kind}_insured" if insured else kind, row.payer, row.payee, yuan)


def vat(case: Case, ledger: Ledger, row: Payment) -> None:
    """VAT on what the payer received under the named items, or gave away (a deemed sale)."""
    sales = np.zeros(case.calendar.count)
    for item in row.quantity.split():
        sales = sales + np.abs(ledger.received(row.payer, item)[1:])
    capital = at_once_of(ledger, "capital")
    owed = vat_owed(case.terms, row.payer, sales, case.calendar.quarters, capital)
    ledger.pay(row.item, row.payer, row.payee, owed)


def vat_owed(
    terms: Terms, payer: str, sales: np.ndarray, quarters: np.ndarray, capital: float
) -> np.ndarray:
    """VAT of a body on the sales of each calendar year, yuan.

    Parameters
    ----------
    terms : Terms
    payer : str
    sales : ndarray, shape (calendar years,)
        With VAT.
    quarters : ndarray, shape (calendar years, 4)
        What of each year's sales falls into its quarters.
    capital : float
        What was paid for the plant, with VAT.
    """
    finance = terms.finance
    if finance.vat_rate == 0 and finance.vat_rate_after == 0:
        return np.zeros(len(sales))
    rate = reference.constant("vat_rate_general").value
    bought = np.zeros(len(sales))
    bought[0] = capital * rate / (1 + rate)
    taxpayer = terms.developer.taxpayer if payer == DEVELOPER else "auto"
    general = {"from": taxpayer, "limit": reference.constant("vat_general_limit").value,
               "rate": rate, "input": bought}  # fmt: skip
    law = terms.taxes
    return value_added_tax(
        sales, quarters, law.vat_free, law.vat_free_per_quarter, law.vat, general
    )


def surcharge(case: Case, ledger: Ledger, row: Payment) -> None:
    """City construction tax on VAT, halved for small taxpayers as long as their income tax is."""
    paid = ledger.received("state", row.quantity)[1:]
    ledger.pay(row.item, row.payer, row.payee, paid * case.terms.taxes.city)


def person_vat(case: Case, ledger: Ledger, row: Payment) -> None:
    """VAT of each person whose month's sale is held against the threshold by itself."""
    sales = ledger.paid(row.quantity)[..., 1:]
    law, months = case.terms.taxes, case.calendar.by_month
    owed = vat_by_sale(sales, months, law.vat_free, law.vat_free_per_sale, law.vat)
    ledger.pay(row.item, row.payer, row.payee, owed * case.persons[:, None])


def person_tax(case: Case, ledger: Ledger, row: Payment) -> None:
    """Income tax of persons on what their own plant earns."""
    profit, written = _own_business(case, ledger, row.quantity)
    off = reference.constant("person_off").value
    owed = tax_on_person(profit, written, off, business_bands())
    ledger.pay(row.item, row.payer, row.payee, owed * case.persons[:, None])


def hall_tax(case: Case, ledger: Ledger, row: Payment) -> None:
    """Income tax of the collective on what a hall of its own earns."""
    halls = np.flatnonzero(case.persons == 0)
    if len(halls) == 0:
        return
    profit, written = _own_business(case, ledger, row.quantity)
    owed = np.zeros(profit.shape)
    for hall in halls:
        owed[hall] = on_profit(case.terms, profit[hall], written[hall])
    ledger.pay(row.item, row.payer, row.payee, owed)


def on_profit(terms: Terms, profit: np.ndarray, written: np.ndarray) -> np.ndarray:
    """Income tax of a business."""
    law = terms.taxes
    rate, above = law.income
    return tax_on_profit(profit, written, rate, above, law.income_limit, law.loss_years)


def _own_business(case: Case, ledger: Ledger, taxed: str) -> tuple[np.ndarray, np.ndarray]:
    """Profit before the write-off, and that, of each household's own plant; (households, years).

    What is used at home is no income.
    """
    profit = np.zeros((case.count, case.calendar.count))
    for flow in ledger.flows:
        if flow.fen.ndim == 2 and flow.item not in REPAID:
            sign = (flow.payee == HOUSEHOLD) * (flow.item == taxed) - (flow.payer == HOUSEHOLD)
            profit += sign * flow.fen[:, 1:] / 100
    cost = ledger.paid_at_once(HOUSEHOLD, "capital") - ledger.paid_at_once("state", "class_grant")
    return profit, cost[:, None] * np.diff(done_by(case, case.hits), prepend=0.0)


def done_by(case: Case, hits: Sequence[np.ndarray | float]) -> np.ndarray:
    """What of a plant is written off by the end of each calendar year; (..., calendar years).

    What is demolished and doesn't return is written off with the year in which it goes.

    Parameters
    ----------
    hits : sequence of ndarray, shape (n,), or float
        Part of the plant that each event hits.
    """
    life, times = case.terms.finance.book_life_years, case.calendar.times[1:]
    done = np.cumsum(write_off(1.0, life, times, whole=False))
    year = np.arange(1, case.years + 1)
    for event, hit in zip(case.terms.finance.events, hits, strict=True):
        gone = event.kind == "demolition" and event.back_after_years is None
        if gone and event.year <= case.years:
            since = np.cumsum(case.calendar.within((year == event.year) * 1.0))
            part = np.multiply.outer(hit, since)
            done = part + (1 - part) * done
    return done


def written_off(case: Case, cost: float) -> np.ndarray:
    """Write-off of a plant in whole fen by any year, what is demolished with it; (years,)."""
    whole = float(case.watts.sum())
    parts = [float(hit @ case.watts) / whole if whole > 0 else 0.0 for hit in case.hits]
    return np.asarray(np.diff(np.rint(cost * 100 * done_by(case, parts)), prepend=0.0) / 100)


def rent_tax(case: Case, ledger: Ledger, row: Payment) -> None:
    """Income tax of who lets a roof."""
    at_once = case.terms.finance.rent_taxed == "at_once"
    rent, whose = ledger.paid(row.quantity), case.persons
    ahead = ledger.paid_at_once(ledger.owner, "rent_once")
    years = 1 if at_once else case.terms.finance.lease_term
    law = rent_terms()
    first = tax_on_rent(ahead / years, at_once, law) * years
    ledger.pay(row.item, row.payer, row.payee, first * whose, at_once=True)
    if rent.ndim > 1:
        owed = tax_on_rent(rent[:, 1:], at_once, law) * whose[:, None]
        ledger.pay(row.item, row.payer, row.payee, owed)


def profit_tax(case: Case, ledger: Ledger, row: Payment) -> None:
    """Income tax of the payer: interest and the plant's write-off are costs, a grant is no cost."""
    profit = ledger.of_party(row.payer, without=REPAID)[1:]
    written = written_off(case, taxable_cost(ledger, row.quantity))
    ledger.pay(row.item, row.payer, row.payee, on_profit(case.terms, profit, written))


def taxable_cost(ledger: Ledger, items: str) -> float:
    """What a plant cost its owner by the named items, grants taken off, yuan."""
    signs = {name: -1 if name in GRANTED else 1 for name in items.split()}
    return sum(at_once_of(ledger, name) * sign for name, sign in signs.items())


LOW_INCOME = "low_income_members"
"""Who is paid what goes to members of low income alone, where they are not to be named."""


RENEWED = ("inverter", "decommissioning")
"""What money is set aside for."""


def distribution(case: Case, ledger: Ledger, row: Payment) -> None:
    """Dividends: to low-income members, then by the rule of the body that owns the plant."""
    net = ledger.of_party(row.payer)[1:]
    if not np.isfinite(net).all():
        unknown = np.full((case.count, case.calendar.count), np.nan)
        ledger.pay(row.item, row.payer, row.payee, unknown)
        return
    terms, at_once = case.terms, ledger.of_party(row.payer)[0]
    bank, members = (at_once_of(ledger, item) for item in LENT)
    granted = sum(at_once_of(ledger, item) for item in GRANTED)
    repaid, paid_back = (-ledger.received(row.payer, item)[1:] for item in REPAID)
    # All that was paid at the beginning, rents paid ahead with the plant.
    cost = bank + members + granted - float(at_once)
    written = written_off(case, cost)
    spent = -sum(ledger.received(row.payer, item)[1:] for item in RENEWED)
    aside = provide(spent) - spent if terms.cooperative.provision else np.zeros(len(net))
    most = terms.reserve.most
    found = distribute(
        np.rint(net * 100), np.rint(written * 100), np.rint((repaid + paid_back) * 100),
        np.rint(aside * 100), float(terms.rate(row.rate)[0]),
        None if most is None else float(np.rint(-at_once * most * 100)),
    )  # fmt: skip
    parts, unnamed = divided(case, found["dividend"], QUANTITIES[row.quantity](case))
    ledger.pay(row.item, row.payer, row.payee, parts / 100)
    ledger.pay(row.item, row.payer, LOW_INCOME, unnamed / 100)
    ledger.balances |= {
        "cash": found["cash"] / 100,
        "plant": cost - np.cumsum(written),
        "loan": bank - np.cumsum(repaid),
        "member_loans": members - np.cumsum(paid_back),
        "own": np.full(len(net), -float(at_once)),
        "granted": np.full(len(net), granted),
        "renewal_fund": np.cumsum(aside),
        "reserve": found["reserve"] / 100,
        "undistributed": found["undistributed"] / 100,
        "written_off": written,
        "surplus": net + repaid + paid_back - written - aside,
    }


def divided(
    case: Case, dividend: np.ndarray, by_capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What each household gets of the dividends, and what is told as one sum, whole fen.

    Parameters
    ----------
    dividend : ndarray, shape (calendar years,)
        Whole fen.
    by_capacity : ndarray, shape (households,)

    Returns
    -------
    parts : ndarray, shape (households, calendar years)
    unnamed : ndarray, shape (calendar years,)
    """
    parts, unnamed = np.zeros((case.count, case.calendar.count)), np.zeros(case.calendar.count)
    shares = dividend_shares(case, dividend, by_capacity)
    if not case.terms.low_income_named:
        unnamed, shares = shares[0][0], shares[1:]
    for fen, weight in shares:
        parts += divide_fen(fen, weight) if weight.ndim == 1 else _by_year(fen, weight)
    return parts, unnamed


def dividend_shares(
    case: Case, dividend: np.ndarray, by_capacity: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fen and weights of each part of a dividend: to low-income members, alike, and the rest.

    The rest goes by capacity, or in a specialised cooperative by the kilowatt-hours of each
    member's roof.
    """
    terms, member = case.terms.cooperative, case.member.astype(float)
    poor = case.poor.astype(float)
    there = poor.any() or not case.terms.low_income_named
    to_low = np.floor(dividend * terms.low_income_share) if there else np.zeros_like(dividend)
    part = alike_share(case.terms)
    whole = part + terms.low_income_share >= 1
    alike = dividend - to_low if whole else np.floor(dividend * part)
    rest = by_capacity * member
    if case.terms.finance.body == "cooperative":
        rest = case.calendar.spread(case.made, made=True) * member[:, None]
    return [(to_low, poor), (alike, member), (dividend - to_low - alike, rest)]


def _by_year(fen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Whole fen of each year by that year's weights; shape of the weights."""
    columns = [divide_fen(fen[n : n + 1], weight[:, n]) for n in range(len(fen))]
    return np.concatenate(columns, axis=1)


def alike_share(terms: Terms) -> float:
    """Part of a dividend that goes to all members alike; the rest by the body's measure."""
    stated, low = terms.cooperative.equal_share, terms.cooperative.low_income_share
    if terms.finance.body != "cooperative":
        return 0.0 if stated is None else stated
    # At least the volume's part goes by volume, whatever the charter says.
    most = 1 - terms.cooperative.volume_share
    return min(most if stated is None else stated, most, 1 - low)


RULES: dict[str, Callable[[Case, Ledger, Payment], None]] = {
    "at_most": at_most,
    "members_lend": members_lend,
    "loan": lend,
    "instalment": instal,
    "events": events,
    "vat": vat,
    "surcharge": surcharge,
    "person_vat": person_vat,
    "person_tax": person_tax,
    "hall_tax": hall_tax,
    "rent_tax": rent_tax,
    "profit_tax": profit_tax,
    "distribution": distribution,
}
"""The closed list: what is no product of a quantity and a rate."""

RECKONED = {
    "at_most": capped,
    "members_lend": share_left,
    "instalment": instalments,
    "vat": value_added_tax,
    "person_vat": vat_by_sale,
    "person_tax": tax_on_person,
    "rent_tax": tax_on_rent,
    "profit_tax": tax_on_profit,
    "write_off": write_off,
    "provide": provide,
    "distribution": distribute,
}
"""What the rules reckon, on plain numbers; the page has the same (``reference/rules.json``)."""
