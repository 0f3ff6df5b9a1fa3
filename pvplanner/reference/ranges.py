"""What is usual: ranges outside which a figure is asked about, and how units slip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from pvplanner.reference import rows


@dataclass(frozen=True)
class Range:
    """Between what a figure usually lies, and who says so."""

    low: float
    high: float
    unit: str
    source: str

    def holds(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.low <= value <= self.high

    def scaled(self, low: float, high: float) -> Range:
        """The same between other limits: of a dearer or cheaper currency."""
        return Range(self.low * low, self.high * high, self.unit, self.source)


NEAR_YUAN = ("EUR", "USD", "GBP", "CHF", "AUD", "CAD", "NZD", "SGD")
"""Currencies of which one is worth some yuan: ranges of money reach down to a tenth for them. Of
others no range is known.
"""


@cache
def ranges() -> dict[str, Range]:
    """Usual ranges by key of a scenario, by ``table.column`` or by measure: ``plausible.csv``."""
    return {
        row["measure"]: Range(float(row["low"]), float(row["high"]), row["unit"], row["source"])
        for row in rows("plausible")
    }


@cache
def _slips() -> dict[str, tuple[tuple[str, str], ...]]:
    out: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in rows("slips"):
        out[row["unit"]] = (*out.get(row["unit"], ()), (row["slip"], row["factor"]))
    return out


def slipped(value: float, usual: Range) -> tuple[str, float] | None:
    """What an unusual value may have been meant as: the slip of the unit, and the value.

    ``None`` where no known slip leads into the usual range. Of several the one that leads nearest
    to its middle (by the logarithm) is taken; a share of more than a half that should be small is
    what is left rather than a number of per cent.
    """
    found = []
    for slip, factor in _slips().get(usual.unit, ()):
        meant = 1 - value if slip == "complement" else value * float(factor)
        if meant != value and usual.holds(meant) and meant != 0:
            found.append((slip, meant))
    if not found or value == 0:
        return None
    middle = float(max(usual.low, usual.high / 100) * usual.high) ** 0.5

    def away(pair: tuple[str, float]) -> tuple[bool, float]:
        slip, meant = pair
        ratio = abs(meant) / middle
        return slip != "complement" or value < HALF, max(ratio, 1 / ratio)

    return min(found, key=away)


HALF = 0.5


def slip_word(value: float, usual: Range) -> str:
    """The label of the slip that an unusual value shows; of an unknown one where none does."""
    found = slipped(value, usual)
    return "slip_unsure" if found is None else f"slip_{found[0]}"


def in_currency(usual: Range, currency: str) -> Range | None:
    """A range of money in another currency; ``None`` where its worth is not known."""
    if "money" not in usual.unit or currency == "CNY":
        return usual
    return usual.scaled(0.1, 1) if currency in NEAR_YUAN else None


def plain_unit(unit: str, currency: str) -> str:
    """A unit as any language writes it: ``money/W`` is ``CNY/W``; a part of one has none."""
    if unit in ("1", ""):
        return ""
    return unit.replace("1/", "/").replace("money", currency)
