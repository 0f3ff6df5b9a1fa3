"""What one more array earns by itself: the order in which roofs are worth building."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.money.measures import payback
from pvplanner.money.terms import Terms


def marginal_payback(arrays: pd.DataFrame, energy: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Years until each array has repaid its own cost, all of its energy sold.

    What one more array makes is exported, whatever the household uses; capital, running costs,
    insurance and the inverter are per watt. nan where that is never, or prices are not known.

    Returns
    -------
    DataFrame
        ``array_id``, ``marginal_payback_years``.
    """
    rates = terms.rates
    watts = arrays["capacity_kwp"].to_numpy(dtype=float) * 1000
    made = energy["energy_kwh"].to_numpy(dtype=float)[:, None] * terms.left
    income = made * (1 - terms.curtailment) * rates["sale_price"]
    running = rates["running_per_w"] + rates["insurance_per_w"] + rates["inverter_per_w"]
    capital = -watts * rates["capex_per_w"][0]
    flows = np.column_stack([capital, income - np.outer(watts, running)])
    ids = arrays["array_id"].to_numpy()
    return pd.DataFrame({"array_id": ids, "marginal_payback_years": payback(flows)})
