"""What a collective must keep of its surplus: the charter's rate, at least the province's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pvplanner import reference
from pvplanner.errors import Finding
from pvplanner.reference import Sourced


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
    most : float or None
        Part of the capital at which no more need be put by.
    """

    rate: float
    stated: float | None
    minimum: float | None
    source: str
    year: str
    certainty: str
    most: float | None = None

    def findings(self, province: str | None) -> list[Finding]:
        """A rate below the province's, or none known: then dividends are an upper bound."""
        where = {"province": province or "-"}
        if self.stated is not None and self.minimum is not None and self.stated < self.minimum:
            told = {"stated": f"{self.stated:.0%}", "minimum": f"{self.minimum:.0%}"}
            params = {**where, **told, "rule": self.source}
            return [Finding("reserve_raised", "cooperative.reserve_rate", params=params)]
        if self.stated is None and self.minimum is None and self.source == NO_RULE:
            return [Finding("reserve_unknown", "cooperative.reserve_rate", params=where)]
        return []


NO_RULE = "no rule of the province was found: dividends are at most these"
"""Source of a reserve of nought."""


CHARTER = "Farmers' Specialised Cooperatives Law art. 42: what the charter says; none is stated"
"""Source of a reserve of nought of a specialised cooperative."""


def resolve_reserve(
    stated: float | None, province: str | None, body: str = "collective"
) -> Reserve:
    """The reserve's rate: as stated, at least the law's; nought where neither is known.

    A collective's is at least its province's, a company's a tenth until half of its capital is
    there, a specialised cooperative's what its charter says.
    """
    if body == "company":
        law, most = (reference.constant(n) for n in ("company_reserve", "company_reserve_most"))
        return replace(_at_least(stated, law), most=most.value)
    rows = [r for r in reference.rows("reserve_rules") if r["province"] == province]
    if body == "cooperative" or not rows:
        if stated is None:
            why = CHARTER if body == "cooperative" else NO_RULE
            return Reserve(0.0, None, None, why, "", "assumption")
        return Reserve(stated, stated, None, "scenario", "", "given")
    row = rows[0]
    least = Sourced(float(row["minimum"]), "1", row["source"], row["year"], row["certainty"])
    return _at_least(stated, least)


def _at_least(stated: float | None, law: Sourced) -> Reserve:
    if stated is not None and stated >= law.value:
        return Reserve(stated, stated, law.value, "scenario", "", "given")
    return Reserve(law.value, stated, law.value, law.source, law.year, law.certainty)
