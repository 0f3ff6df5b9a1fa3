"""What one more array earns by itself: the order in which roofs are worth building."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.wear import remaining
from pvplanner.income import Prices
from pvplanner.income.measures import payback
from pvplanner.scenario import Scenario


def marginal_payback(
    arrays: pd.DataFrame, energy: pd.DataFrame, prices: Prices, scenario: Scenario
) -> pd.Series:
    """Years until each array has repaid its own cost, all of its energy sold.

    What one more array makes is exported, whatever the household uses; capital, running costs,
    insurance and the inverter are per watt. nan where that is never, or prices are not known.
    """
    finance = scenario.finance
    years = np.arange(1, finance.life_years + 1)
    watts = arrays["capacity_kwp"].to_numpy(dtype=float) * 1000
    made = energy["energy_kwh"].to_numpy(dtype=float)[:, None] * remaining(scenario)
    made = made * (1 - scenario.grid.curtailment)
    income = made * (prices.export + prices.subsidy)
    grown = (1 + finance.cost_growth) ** (years - 1)
    running = (finance.opex_per_w_year + finance.insurance_per_w_year) * grown
    renewed = (years % finance.inverter_life_years == 0) & (years < finance.life_years)
    cost = np.outer(watts, running + renewed * finance.inverter_cost_per_w)
    capital = -watts * finance.capex_per_w
    flows = np.column_stack([capital, income - cost])
    if not prices.costs_known:
        flows[:] = np.nan
    return pd.Series(payback(flows), index=arrays.index)
