"""Drawings of a region's results, by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pvplanner.errors import ConfigError
from pvplanner.region.config import BASE
from pvplanner.words import has_label, label

if TYPE_CHECKING:
    from pvplanner.region.results import Results


class Plots:
    """Each drawing is given back as matplotlib axes, to be saved or changed."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def supply_curve(self, scenario: str = BASE, ax: Any = None) -> Any:
        """Villages by what their energy costs, as wide as they make."""
        axes = ax if ax is not None else _axes()
        curve = self.results.supply_curve(scenario)
        left = (curve["cumulative_kwh"] - curve["energy_kwh"]) / 1e6
        axes.bar(left, curve["lcoe"], width=curve["energy_kwh"] / 1e6, align="edge",
                 edgecolor="white", color="#3f7cac")  # fmt: skip
        axes.set(xlabel="GWh/yr", ylabel=f"{self.results.about['currency']}/kWh")
        return axes

    def compare(self, one: str, other: str, measure: str = "income_first_year",
                ax: Any = None) -> Any:  # fmt: skip
        """A measure of each village in two scenarios, one against the other."""
        axes = ax if ax is not None else _axes()
        table = self.results.compare(one, other)
        rows = table[table["measure"] == measure]
        axes.scatter(rows[one], rows[other], color="#14507a")
        ends = [*axes.get_xlim(), *axes.get_ylim()]
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color="#888888", linewidth=0.8)
        name = label(measure, "en") if has_label(measure, "en") else measure
        axes.set(xlabel=one, ylabel=other, title=name)
        return axes

    def ranges(self, measure: str = "energy_kwh", scenario: str = BASE, ax: Any = None) -> Any:
        """A measure of each village with its range."""
        axes = ax if ax is not None else _axes()
        table = self.results.table
        rows = table[(table["measure"] == measure) & (table["scenario"] == scenario)]
        rows = rows.sort_values("value")
        span = [rows["value"] - rows["p90"], rows["p10"] - rows["value"]]
        axes.errorbar(rows["value"], range(len(rows)), xerr=span, fmt="o", color="#14507a")
        axes.set_yticks(range(len(rows)), rows["village"])
        return axes


def _axes() -> Any:
    """New axes, without touching a screen or pyplot's own state.

    Raises
    ------
    ConfigError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("region_no_plots", where="plot") from None
    return Figure(figsize=(7, 4), layout="constrained").subplots()
