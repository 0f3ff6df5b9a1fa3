"""What a plan comes to, ready for JSON: totals, findings, where its weather is from."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from pvplanner.plan.runner import LIBRARIES

if TYPE_CHECKING:
    import pandas as pd

    from pvplanner.plan.plan import Plan


def summarise(plan: Plan) -> dict[str, Any]:
    """Totals and findings of a plan; see :meth:`pvplanner.plan.plan.Plan.summary`."""
    rows = plan.villages
    return {
        "name": plan.scenario.name,
        "synthetic": plan.synthetic,
        "buildings": int(rows["buildings"].sum()),
        "buildings_used": int(rows["buildings_used"].sum()),
        "households": int(rows["households"].sum()),
        "modules": int(rows["modules"].sum()),
        "capacity_kwp": _total(rows["capacity_kwp"], 3),
        "energy_kwh": _total(rows["energy_kwh"], 0),
        "energy_p90_kwh": _total(rows["energy_p90_kwh"], 0) if len(rows) == 1 else None,
        "capital": _total(rows["capital"], 2),
        "income_first_year": _total(rows["income_first_year"], 2),
        "avoided_t": _total(rows["avoided_t"], 3),
        "totals": _three(plan),
        "currency": plan.scenario.finance.currency,
        "findings": [finding.to_dict() for finding in plan.findings],
        "assumptions": plan.result("assumptions").to_dict("records"),
        "villages": list(plan.parts),
        "province": alike([part.place.province for part in plan.parts.values()]),
        "weather": plan.weather_facts,
    }


def _three(plan: Plan) -> dict[str, Any]:
    """What fits, what may be connected, this phase, all phases; ``None`` where not known."""
    told = plan.three_totals()
    return {
        name: value if isinstance(value, bool)
        else round(float(value), 3) if value == value else None
        for name, value in told.items()
    }  # fmt: skip


def alike(values: list[Any]) -> Any:
    """What all values are, or all of them where they differ."""
    return values[0] if all(value == values[0] for value in values) else values


def weather_facts(year: pd.DataFrame) -> dict[str, Any]:
    """Where a weather year is from, and how its sun was placed."""
    first = year.iloc[0]
    closure = {
        name.removeprefix("closure_"): round(float(first[name]), 2)
        for name in year.columns if name.startswith("closure_")
    }  # fmt: skip
    return {
        "source": str(first["source"]),
        "latitude": round(float(first["latitude"]), 4),
        "longitude": round(float(first["longitude"]), 4),
        "synthetic": bool(first["synthetic"]),
        "trusted": str(first["trusted"]),
        "sun_offset_minutes": float(first["sun_offset_minutes"]),
        "sun_sigma_minutes": round(float(first["sun_sigma_minutes"]), 1),
        "closure_w_per_m2": closure,
        "ghi_kwh_per_m2": round(float(year["ghi"].sum()) / 1000, 1),
    }


def versions() -> dict[str, str]:
    """Of the package and of the libraries that results hang on."""
    return {name: metadata.version(name) for name in ("pvplanner", *LIBRARIES)}


def _total(values: pd.Series, digits: int) -> float | None:
    """Sum, rounded to what the parts are rounded to; ``None`` (JSON has no nan) where unknown."""
    total = values.sum(min_count=1, skipna=False)
    known = total == total
    return round(float(total), digits) if known else None
