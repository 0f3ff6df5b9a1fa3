"""pvplanner: rooftop photovoltaics for villages, from footprints to income and carbon."""

from pvplanner import reference
from pvplanner.buildings import read_buildings, read_households, read_survey
from pvplanner.energy import simulate_energy, simulate_hours
from pvplanner.errors import ConfigError, Finding, InputError, PVPlannerError
from pvplanner.horizon import Horizons, horizon_angles, read_horizon
from pvplanner.income import cash_flows, resolve_prices
from pvplanner.mapping import save_map
from pvplanner.modules import lay_modules, module_outlines
from pvplanner.report import save_report, save_survey
from pvplanner.roofs import model_roofs, read_planes
from pvplanner.scenario import Scenario
from pvplanner.village import Plan, plan_village
from pvplanner.weather import Weather, read_weather, typical_year

__all__ = [
    "ConfigError",
    "Finding",
    "Horizons",
    "InputError",
    "PVPlannerError",
    "Plan",
    "Scenario",
    "Weather",
    "cash_flows",
    "horizon_angles",
    "lay_modules",
    "model_roofs",
    "module_outlines",
    "plan_village",
    "read_buildings",
    "read_horizon",
    "read_households",
    "read_planes",
    "read_survey",
    "read_weather",
    "reference",
    "resolve_prices",
    "save_map",
    "save_report",
    "save_survey",
    "simulate_energy",
    "simulate_hours",
    "typical_year",
]
