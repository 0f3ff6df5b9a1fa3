"""What a collective must keep of its surplus: the charter's rate, at least the province's."""

from __future__ import annotations

from dataclasses import dataclass

from pvplanner import reference
from pvplanner.errors import Finding


@dataclass(frozen=True)
class Reserve:
    """Reserve and welfare fund as a share of the net surplus.

    Attributes
    ----------
    rate : float
        As it is reckoned.
    stated : float or None
        By the scenario.
    minimum : float or None
        By the province's rules; ``None`` where none was found.
    source, year, certainty : str
        Of the rate.
    """

    rate: float
    stated: float | None
    minimum: float | None
    source: str
    year: str
    certainty: str

    def findings(self, province: str | None) -> list[Finding]:
        """A rate below the province's, or none known: then dividends are an upper bound."""
        where = {"province": province or "-"}
        if self.stated is not None and self.minimum is not None and self.stated < self.minimum:
            told = {"stated": f"{self.stated:.0%}", "minimum": f"{self.minimum:.0%}"}
            params = {**where, **told, "rule": self.source}
            return [Finding("reserve_raised", "cooperative.reserve_rate", params=params)]
        if self.stated is None and self.minimum is None:
            return [Finding("reserve_unknown", "cooperative.reserve_rate", params=where)]
        return []


NO_RULE = "no rule of the province was found: dividends are at most these"
"""Source of a reserve of nought."""


def resolve_reserve(stated: float | None, province: str | None) -> Reserve:
    """The reserve's rate: as stated, at least the province's; nought where neither is known."""
    rows = [r for r in reference.rows("reserve_rules") if r["province"] == province]
    if not rows:
        if stated is None:
            return Reserve(0.0, None, None, NO_RULE, "", "assumption")
        return Reserve(stated, stated, None, "scenario", "", "given")
    row = rows[0]
    minimum = float(row["minimum"])
    if stated is not None and stated >= minimum:
        return Reserve(stated, stated, minimum, "scenario", "", "given")
    return Reserve(minimum, stated, minimum, row["source"], row["year"], row["certainty"])
