"""What a year of measurement tells of the next: the errors that a village's roofs share, narrowed.

A plan's level is off by errors that stay (the light's source, the model, the modules' rating) and
by the year's own weather. Measured over the typical year, a village shows their sum; the normal law
parts it by their variances (a Bayesian update with known variances). Each roof's own error averages
out over the roofs and stays as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import Z90

YEARLY = "year_to_year"
SKY = ("irradiation_source", "irradiation_table")
"""Errors of the light's level, which weather measured over the period says nothing of."""

NOT_BUILT = ("usable_area",)
"""Whether a roof holds as many modules is known once they stand."""

WEATHER_SIGMA = 0.03
"""One sigma of a period's measured irradiation: assumption (a class B sensor or a satellite)."""

LEAST_MONTHS = 6


@dataclass(frozen=True)
class Learned:
    """What measurement says of a village's level over the plan's typical year, wear apart.

    Attributes
    ----------
    months, homes : int
        That were measured.
    measured : float
        All that was made over what was expected of the same days.
    level : float
        What is to be expected of the next years over the plan.
    sigma_before, sigma_after : float
        One sigma of the level that stays, before and after.
    next_sigma : float
        One sigma of the next year, its weather included; ``before_sigma`` as the plan had it.
    before_sigma : float
    """

    months: int
    homes: int
    measured: float
    level: float
    sigma_before: float
    sigma_after: float
    next_sigma: float
    before_sigma: float

    @property
    def next_range(self) -> tuple[float, float]:
        """P90 and P10 of the next year over the plan's."""
        return self.level - Z90 * self.next_sigma, self.level + Z90 * self.next_sigma


def learn_level(
    measured: pd.Series, expected: pd.Series, months: int, doubt: pd.DataFrame, *,
    weather: bool = False,
) -> Learned:  # fmt: skip
    """The level of a village's next years from what was measured.

    Parameters
    ----------
    measured, expected : Series
        kWh of each household over the same days.
    months : int
        How many months that was.
    doubt : DataFrame
        ``component`` and ``village`` (one sigma of all roofs together), as a plan has it.
    weather : bool
        Whether what was expected is by weather measured over the period, and not a typical year.

    Returns
    -------
    Learned
    """
    sigma = doubt.set_index("component")["village"].astype(float)
    kept = sigma.drop([*NOT_BUILT, "combined", YEARLY], errors="ignore")
    light = kept.reindex(SKY).fillna(0.0)
    year = float(sigma.get(YEARLY, 0.0))
    # With measured weather the light's own errors cancel, and the sensor's come in.
    stays = kept.drop(SKY, errors="ignore") if weather else kept
    prior = float((stays**2).sum())
    noise = WEATHER_SIGMA**2 if weather else year**2 * 12 / months
    ratio = float(measured.sum() / expected.sum())
    part = prior / (prior + noise) if prior + noise > 0 else 0.0
    after = prior * (1 - part)
    rest = float((light**2).sum()) if weather else 0.0
    return Learned(
        months, len(measured), ratio, 1 + part * (ratio - 1), np.sqrt(prior + rest),
        np.sqrt(after + rest), np.sqrt(after + rest + year**2), np.sqrt(prior + rest + year**2),
    )  # fmt: skip


ITEMS = ("availability", "mismatch", "nameplate", "wiring", "connections")
"""Losses that a level is put into, the least known first."""


def changes_of(
    learned: Learned, losses: float | None, items: dict[str, float], doubt: pd.DataFrame
) -> dict[str, object]:
    """Keys of a scenario under which a plan has the level and the doubt that were learned.

    Parameters
    ----------
    learned : Learned
    losses : float or None
        ``system.losses``, where it is stated.
    items : dict of str to float
        ``system.loss_items``.
    doubt : DataFrame
        Of the plan.

    Returns
    -------
    dict
        For :meth:`pvplanner.Plan.under`. A level beyond what no losses at all would give is cut.
    """
    out: dict[str, object] = {}
    left = learned.level
    if losses is not None:
        out["system.losses"] = round(max(1 - (1 - losses) * left, 0.0), 6)
    else:
        for name in ITEMS:
            kept = 1 - items[name]
            reached = min(kept * left, 1.0)
            if abs(reached - kept) > 1e-9:
                out[f"system.loss_items.{name}"] = round(1 - reached, 6)
            left *= kept / reached
            if abs(left - 1) < 1e-9:
                break
    factor = learned.sigma_after / learned.sigma_before if learned.sigma_before else 1.0
    shared = doubt[~doubt["component"].isin([*NOT_BUILT, "combined", YEARLY, "soiling",
                                             "irradiation_table", "time_stamp"])]  # fmt: skip
    out["doubt.sigma"] = {
        str(r.component): round(float(r.village) * factor, 6) for r in shared.itertuples()
    }
    return out
