"""pvplanner: rooftop photovoltaics for villages, from footprints to income and carbon."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pvplanner.compiled import choose_cache

if TYPE_CHECKING:
    from pvplanner import reference as reference
    from pvplanner.buildings import read_buildings, read_households, read_survey
    from pvplanner.documents import (
        save_bank_book,
        save_bank_pages,
        save_filing,
        save_household_sheet,
        save_layouts,
        save_materials,
        save_meeting,
        save_pictures,
        save_report,
        verify_document,
    )
    from pvplanner.dossier import make_dossier
    from pvplanner.energy import simulate_energy, simulate_hours
    from pvplanner.errors import ConfigError, Finding, InputError, PVPlannerError
    from pvplanner.horizon import Horizons, horizon_angles, read_horizon
    from pvplanner.mapping import explore_map, save_map
    from pvplanner.modules import lay_modules, module_outlines
    from pvplanner.money import resolve_prices, resolve_terms
    from pvplanner.plan import Plan, plan_village
    from pvplanner.plan.choosing import select_households
    from pvplanner.reckoning import (
        reckon,
        resolve,
        save_list,
        save_reckoning,
        save_statements,
    )
    from pvplanner.region import open_region, plan_region
    from pvplanner.report import save_posting, save_survey
    from pvplanner.roofs import model_roofs, read_planes
    from pvplanner.scenario import Scenario
    from pvplanner.tracking import track, tracked_days
    from pvplanner.tracking.last import last_measured
    from pvplanner.tracking.learning import learn
    from pvplanner.weather import Weather, read_weather, typical_year

_ROOMS = {
    "buildings": ("read_buildings", "read_households", "read_survey"),
    "energy": ("simulate_energy", "simulate_hours"),
    "errors": ("ConfigError", "Finding", "InputError", "PVPlannerError"),
    "horizon": ("Horizons", "horizon_angles", "read_horizon"),
    "documents": (
        "save_bank_book",
        "save_bank_pages",
        "save_filing",
        "save_household_sheet",
        "save_layouts",
        "save_materials",
        "save_meeting",
        "save_pictures",
        "save_report",
        "verify_document",
    ),
    "dossier": ("make_dossier",),
    "mapping": ("explore_map", "save_map"),
    "modules": ("lay_modules", "module_outlines"),
    "money": ("resolve_prices", "resolve_terms"),
    "plan": ("Plan", "plan_village"),
    "plan.choosing": ("select_households",),
    "region": ("open_region", "plan_region"),
    "report": ("save_posting", "save_survey"),
    "roofs": ("model_roofs", "read_planes"),
    "scenario": ("Scenario",),
    "reckoning": ("reckon", "resolve", "save_list", "save_reckoning", "save_statements"),
    "tracking": ("track", "tracked_days"),
    "tracking.last": ("last_measured",),
    "tracking.learning": ("learn",),
    "weather": ("Weather", "read_weather", "typical_year"),
}
"""Which room each public name is from; a room is imported when one of its names is asked for."""

choose_cache()

_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "ConfigError",
    "Finding",
    "Horizons",
    "InputError",
    "PVPlannerError",
    "Plan",
    "Scenario",
    "Weather",
    "explore_map",
    "horizon_angles",
    "last_measured",
    "lay_modules",
    "learn",
    "make_dossier",
    "model_roofs",
    "module_outlines",
    "open_region",
    "plan_region",
    "plan_village",
    "read_buildings",
    "read_horizon",
    "read_households",
    "read_planes",
    "read_survey",
    "read_weather",
    "reckon",
    "reference",
    "resolve",
    "resolve_prices",
    "resolve_terms",
    "save_bank_book",
    "save_bank_pages",
    "save_filing",
    "save_household_sheet",
    "save_layouts",
    "save_list",
    "save_map",
    "save_materials",
    "save_meeting",
    "save_pictures",
    "save_posting",
    "save_reckoning",
    "save_report",
    "save_statements",
    "save_survey",
    "select_households",
    "simulate_energy",
    "simulate_hours",
    "track",
    "tracked_days",
    "typical_year",
    "verify_document",
]


def __getattr__(name: str) -> Any:
    if name == "reference":
        return importlib.import_module("pvplanner.reference")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'pvplanner' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pvplanner.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
