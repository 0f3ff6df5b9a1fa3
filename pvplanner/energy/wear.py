"""What wear leaves of the energy over the years."""

from __future__ import annotations

import numpy as np

from pvplanner.scenario import Scenario


def remaining(scenario: Scenario) -> np.ndarray:
    """Share of the typical year's energy left in each year of life: (1 - d1)(1 - d)^(y - 1)."""
    finance = scenario.finance
    year = np.arange(finance.life_years)
    return (1 - finance.degradation_first_year) * (1 - finance.degradation_per_year) ** year
