"""How the pages of a plan's folder are drawn, and which results they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pvplanner.plan import Plan
    from pvplanner.plan.folder import Page
    from pvplanner.scenario import Scenario

MAP_STAGES = ("buildings", "building_totals", "suitability", "building_ranges", "returns",
              "planes", "yield_shares", "layout", "arrays", "margin", "energy", "people", "links",
              "holdings", "household_use", "household_ranges", "carbon", "carbon_ranges", "chosen",
              "demand", "bills", "villages", "terms", "assumptions", "year", "place", "horizons",
              "curtailed", "cases", "break_even", "totals", "selection", "programme", "connections",
              "transformers", "loading")  # fmt: skip
REPORT_STAGES = ("measures", "array_ranges", "waterfall", "doubt", "ledger", "collective",
                 "fairness", "stresses", "press", "carbon_years", "accounts", "bounds", "owners",
                 "balance", "investor", "standing", "ways", "voltage", "hosting",
                 "scoreboard")  # fmt: skip
"""Stages that the pages show; the report also carries a hash of all tables."""


def plan_pages(scenario: Scenario, internal: bool) -> list[Page]:
    """The map and the report of a plan, each with the results that it shows.

    Where one of these changes, or what is doubtful about it, the page is drawn anew.
    """
    from pvplanner.plan.folder import Page
    from pvplanner.plan.plan import FINDERS, table_stages
    from pvplanner.plan.store import FileHashes

    def draw_map(made: Plan, target: Path) -> None:
        from pvplanner.mapping import save_map

        save_map(made, target, scenario.language, internal=internal)

    def draw_report(made: Plan, target: Path) -> None:
        from pvplanner.documents import save_report

        save_report(made, target, language=scenario.language, internal=internal)

    ground = ("roads", "water", "boundary", "dem", "dtm")
    drawn = {key: path for key, path in scenario.paths().items() if key in ground}
    hashes = FileHashes()
    shown = {key: hashes.of(path) for key, path in drawn.items()}
    edition, on_map = {"internal": internal}, (*MAP_STAGES, *FINDERS)
    in_report = dict.fromkeys((*on_map, *REPORT_STAGES, *table_stages()))
    return [
        Page("map.html", "map", on_map, draw_map, {**edition, **shown}),
        Page("report.html", "report", tuple(in_report), draw_report, edition),
    ]
