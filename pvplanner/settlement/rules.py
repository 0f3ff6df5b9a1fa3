"""What a month's energy earns by the rules of the date, in whole fen: our own reckoning."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

NAN = float("nan")


@dataclass(frozen=True)
class Rules:
    """Prices and taxes of one account's month.

    Attributes
    ----------
    market : float
        What a kilowatt-hour earns before the mechanism, per kWh.
    mean : float
        The mean price of such projects, against which the mechanism's difference is taken.
    bid, share : float
        The mechanism's price, and the part of the energy that is under it; 0 without one.
    subsidy : float
        On each kilowatt-hour.
    person : bool
        Whether a natural person sells: the grid company then collects the tax.
    vat : float
        The rate on the price without tax.
    free_below : float
        Sales of the month without tax below which nothing is owed; 0 where there is no threshold.
    """

    market: float
    mean: float
    bid: float = 0.0
    share: float = 0.0
    subsidy: float = 0.0
    person: bool = False
    vat: float = 0.0
    free_below: float = 0.0


@dataclass(frozen=True)
class Amounts:
    """An account's month in whole fen, and the energy under the mechanism, kWh."""

    market: int
    difference: int
    subsidy: int
    tax: int
    mechanism_energy: float

    @property
    def gross(self) -> int:
        """Before tax is taken off."""
        return self.market + self.difference + self.subsidy


def exact(value: float) -> Decimal:
    """A number as it is written, without the tail that a float has."""
    return Decimal(repr(round(float(value), 9)))


def fen(quantity: Decimal, price: Decimal) -> int:
    """A product in whole fen, halves up, as invoices have it."""
    return int((quantity * price * 100).quantize(Decimal(1), ROUND_HALF_UP))


def amounts_of(energy: float, rules: Rules, *, tax_is: str, digits: int | None = None) -> Amounts:
    """What an energy earns.

    Parameters
    ----------
    energy : float
        kWh.
    rules : Rules
    tax_is : str
        ``withheld`` from a person, ``within`` the amounts or ``added`` to them.
    digits : int, optional
        Of the energy under the mechanism; as it comes where not given.
    """
    sold = exact(energy)
    under = sold * exact(rules.share)
    if digits is not None:
        under = under.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    market = fen(sold, exact(rules.market))
    difference = fen(under, exact(rules.bid) - exact(rules.mean)) if rules.share else 0
    subsidy = fen(sold, exact(rules.subsidy))
    tax = tax_on(market + difference + subsidy, rules, tax_is)
    return Amounts(market, difference, subsidy, tax, float(under))


def tax_on(gross: int, rules: Rules, tax_is: str) -> int:
    """VAT on a month's sales, fen.

    A person's is owed on the whole from the threshold on (VAT Law art. 23) and collected by the
    grid company (STA Announcement 2014 No. 32); who is no person declares it himself, so that
    nothing is withheld.
    """
    if tax_is == "withheld" and not rules.person:
        return 0
    money, rate = Decimal(gross), exact(rules.vat)
    net = money if tax_is == "added" else money / (1 + rate)
    hundred = net.quantize(Decimal(1), ROUND_HALF_UP) / 100
    if hundred < exact(rules.free_below):
        return 0
    return int((net * rate).quantize(Decimal(1), ROUND_HALF_UP))


def total_of(gross: int, tax: int, tax_is: str) -> int:
    """What is paid, fen."""
    return gross + {"withheld": -tax, "within": 0, "added": tax}[tax_is]
