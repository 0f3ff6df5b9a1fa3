"""A plan: the scenario as run, its tables, and everything a page needs to show them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from pvplanner.carbon import carbon_basis
from pvplanner.dossier import Tables, make_dossier
from pvplanner.errors import Finding
from pvplanner.income import resolve_prices
from pvplanner.modules import find_product
from pvplanner.scenario import Scenario
from pvplanner.schema import TABLES


@dataclass(frozen=True)
class Plan:
    """What :func:`pvplanner.plan_village` found.

    Attributes
    ----------
    scenario : Scenario
        As run.
    buildings, planes : GeoDataFrame
    arrays, energy, households, villages, shares, demand : DataFrame
        The tables of ``pvplanner.schema.TABLES``.
    findings : tuple of Finding
        What was wrong or doubtful in the input.
    assumptions : DataFrame
        A row per number that shaped the result: ``key``, ``value``, ``unit``, ``source``, ``year``,
        ``certainty``.
    facts : dict
        Province, weather (source, offset, closure), input hashes, versions.
    """

    scenario: Scenario
    buildings: gpd.GeoDataFrame
    planes: gpd.GeoDataFrame
    arrays: pd.DataFrame
    energy: pd.DataFrame
    households: pd.DataFrame
    villages: pd.DataFrame
    shares: pd.DataFrame
    demand: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    assumptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Name and table, in the order in which they came about."""
        for name in TABLES:
            yield name, getattr(self, name)

    @property
    def synthetic(self) -> bool:
        """Whether the village itself is made up."""
        return self.scenario.site.synthetic

    def summary(self) -> dict[str, Any]:
        """Totals, findings, versions and input hashes, ready for JSON.

        The totals are the sums of the rows of ``villages``, which are sums of ``households``.
        """
        rows = self.villages
        return {
            "name": self.scenario.name,
            "synthetic": self.synthetic,
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
            "currency": self.scenario.finance.currency,
            "findings": [finding.to_dict() for finding in self.findings],
            "assumptions": self.assumptions.to_dict("records"),
            **self.facts,
        }

    def notes(self) -> list[str]:
        """Glossary keys of what every page must say at its head."""
        weather = self.facts.get("weather", {})
        found = {finding.code for finding in self.findings}
        return [
            key
            for key, applies in (
                ("synthetic_note", self.synthetic),
                ("weather_synthetic_note", bool(weather.get("synthetic"))),
                ("weather_far_note", "weather_far" in found),
                ("weather_hemisphere_note", "weather_hemisphere" in found),
            )
            if applies
        ]

    def cash_flows(self, model: str | None = None) -> pd.DataFrame:
        """The ledger as a table, for the chosen business models or for one.

        Returns
        -------
        DataFrame
            ``household_id`` (empty where a payment is not a household's), ``model``, ``year``,
            ``party``, ``item``, ``yuan`` (received, or paid if negative).
        """
        from pvplanner.village.money import Market, plan_cash_flows

        prices = resolve_prices(self.scenario, self.facts.get("province"))
        market = Market(prices, None, find_product(self.scenario).area_m2)
        return plan_cash_flows(
            self.households, self.demand, market=market, scenario=self.scenario, model=model
        )

    def dossier(self, household_id: str | None = None) -> dict[str, Any]:
        """The dossier for green credit of a household, or of the collective; ready for JSON."""
        province = self.facts.get("province")
        basis = carbon_basis(self.scenario, province)
        area = find_product(self.scenario).area_m2
        tables = Tables(self.households, self.demand, self.scenario, province, basis, area)
        return make_dossier(tables, household_id)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the tables, ``summary.json`` and ``scenario.toml`` into a folder, all or nothing.

        Returns
        -------
        Path
            The folder.
        """
        from pvplanner.village.storage import transaction, write_plan

        with transaction(folder) as staging:
            write_plan(self, staging, Path(folder))
        return Path(folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Plan:
        """Read a saved plan back.

        Raises
        ------
        InputError
            If the folder holds no whole plan.
        """
        from pvplanner.village.storage import read_plan

        return read_plan(Path(folder))


def _total(values: pd.Series, digits: int) -> float | None:
    """Sum, rounded to what the parts are rounded to; ``None`` (JSON has no nan) where unknown."""
    total = values.sum(min_count=1, skipna=False)
    return None if pd.isna(total) else round(float(total), digits)
