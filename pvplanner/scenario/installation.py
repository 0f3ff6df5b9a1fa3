"""What an installer's lists hang on: voltages of module and inverter, rules of thumb for rails."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from pvplanner import reference
from pvplanner.scenario.frozen import Frozen
from pvplanner.scenario.kinds import NotNegative, Positive
from pvplanner.scenario.refusals import refuse

PerKelvin = Annotated[float, Field(ge=-0.01, le=0)]


ORDERED = (("vmp_v", "voc_v"), ("mppt_low_v", "mppt_high_v"), ("mppt_high_v", "dc_most_v"))
"""Voltages of which the first is never above the second, whatever the module or inverter."""


class Installation(Frozen):
    """``[installation]``: for the installer's lists. No other figure hangs on it."""

    voc_v: Positive | None = None
    """Of the module, open, at 25 degrees C and 1,000 W/m2; the CEC list's if not given and
    known."""
    vmp_v: Positive | None = None
    """The same at its point of most power."""
    voc_per_k: PerKelvin | None = None
    """Relative change of ``voc_v`` by the kelvin, such as -0.0025."""
    vmp_per_k: PerKelvin | None = None
    """The same of ``vmp_v``; that of ``voc_v`` if not given."""
    dc_most_v: Positive | None = None
    """What the inverter bears."""
    mppt_low_v: Positive | None = None
    mppt_high_v: Positive | None = None
    """Where the inverter tracks."""
    coldest_c: Annotated[float, Field(ge=-60, le=30)] | None = None
    """Record low of the place, degrees C; the weather year's coldest hour if not given."""
    hottest_cell_c: Annotated[float, Field(ge=20, le=110)] | None = None
    """Hottest cell, degrees C; of the weather year under full sun if not given."""
    rules: dict[str, NotNegative] = Field(default_factory=dict)
    """Of ``reference/installing.csv``, in place of the packaged ones."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for lower, upper in ORDERED:
            low, high = getattr(self, lower), getattr(self, upper)
            if low is not None and high is not None and low > high:
                raise refuse("volts_order", lower=lower, low=low, upper=upper, high=high)
        return self

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: dict[str, float]) -> dict[str, float]:
        known = reference.listed_in("installing", "rule")
        odd = [rule for rule in value if rule not in known]
        if odd:
            raise refuse("name_unknown", kind="rule", value=odd[0], known=", ".join(known))
        return value
