"""Kinds of values that sections share, and their defaults that are kept as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pvplanner import reference
from pvplanner.scenario.refusals import nearest, refuse

Fraction = Annotated[float, Field(ge=0, le=1)]
Losses = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(ge=-0.2, le=0.5)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
NotNegative = Annotated[float, Field(ge=0, le=1e12)]


def known_model(value: str) -> str:
    """A business model that there is; refuses others by name."""
    known = reference.business_models()
    if value not in known:
        raise refuse(
            "name_unknown", kind="business_model", value=value, known=nearest(value, known)
        )
    return value


def default_of(name: str) -> float:
    """A default that is kept as data, with its source: ``reference/constants.csv``."""
    return reference.constant(name).value


Model = Annotated[str, AfterValidator(known_model)]
ProjectClass = Literal[
    "natural_person_household", "non_natural_person_household", "general_commercial"
]
Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


def known_currency(value: str) -> str:
    """Three letters of ISO 4217; refuses others."""
    if not (len(value) == 3 and value.isascii() and value.isupper() and value.isalpha()):
        raise refuse("currency_unknown", value=value)
    return value
