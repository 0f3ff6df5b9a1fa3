"""Ranges that hold what they claim, and know what roofs share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner.energy import (
    as_built,
    contributions,
    doubt_components,
    energy_ranges,
    over_life,
    roof_doubt,
)

WEATHER = pvp.typical_year(29.72, 121.28)


def doubt_of(count=200, area=(28.0, 55.0, 77.0), weather=WEATHER, **options):
    scenario = pvp.Scenario(doubt=options)
    table = pd.DataFrame(
        {"array_id": [f"A{n}" for n in range(count)], "capacity_kwp": 5.0, "surface_tilt": 25.0,
         "surface_azimuth": np.linspace(90, 270, count)}
    )  # fmt: skip
    names = ("usable_area_low_m2", "usable_area_m2", "usable_area_high_m2")
    usable = pd.DataFrame(dict(zip(names, area, strict=True)), index=table.index)
    components = doubt_components(scenario, weather, chinese=True)
    energy = np.full(count, 5000.0)
    return roof_doubt(
        table, energy, weather, scenario=scenario, components=components, usable=usable
    )


def village(count):
    return pd.DataFrame({"group": "v", "row": np.arange(count), "weight": 1.0})


def test_a_villages_p90_is_nearer_to_its_p50_than_a_roofs():
    doubt = doubt_of(area_shared=0.0)
    roofs = energy_ranges(doubt)
    whole = energy_ranges(doubt, village(200)).iloc[0]
    assert (roofs["p90"] / roofs["p50"]).mean() < whole["p90"] / whole["p50"] < 1
    # The sum of the roofs' P90s is not the village's.
    assert roofs["p90"].sum() < whole["p90"]


def test_what_is_only_shared_does_not_average_out():
    doubt = doubt_of(area=(50.0, 50.0, 50.0), sigma={"soiling": 0.0})
    roof, whole = (
        energy_ranges(doubt).iloc[0] / 5000,
        energy_ranges(doubt, village(200)).iloc[0] / 1e6,
    )
    assert roof.to_numpy() == pytest.approx(whole.to_numpy(), rel=1e-6)
    # Listed parts in quadrature (Thevenard and Pelland, with 5.7 % for the interpolation).
    sigma = np.sqrt(0.05**2 + 0.057**2 + 0.03**2 + 0.03**2 + 0.015**2 + 0.05**2)
    assert whole["p90"] == pytest.approx(1 - 1.2816 * sigma, abs=0.012)


def test_intervals_hold_what_they_claim_where_the_truth_is_known():
    """Draw a truth from the stated errors; 80 % intervals hold it about 80 % of the time."""
    doubt = doubt_of(60, area=(40.0, 50.0, 60.0))
    found = energy_ranges(doubt, village(60)).iloc[0]
    rng = np.random.default_rng(9)
    parts, held = doubt.components, 0
    shared = parts.loc[parts["scope"] == "shared", "sigma"]
    for _ in range(3000):
        factor = np.prod([1 + s * rng.standard_normal() for s in shared])
        z = np.sqrt(0.5) * rng.standard_normal() + np.sqrt(0.5) * rng.standard_normal(60)
        area = 1 + z * np.where(z < 0, doubt.below, doubt.above)
        truth = (doubt.energy_kwh * factor * area * (1 + 0.02 * rng.standard_normal(60))).sum()
        held += found["p90"] <= truth <= found["p10"]
    assert held / 3000 == pytest.approx(0.8, abs=0.03)


def test_ranges_do_not_depend_on_order_or_partition():
    doubt = doubt_of(40)
    one, two = energy_ranges(doubt), energy_ranges(doubt)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    few = pd.DataFrame({"group": [7, 3], "row": [7, 3], "weight": 1.0})
    alone = energy_ranges(doubt, few)
    assert alone.loc[[7, 3]].to_numpy() == pytest.approx(one.loc[[7, 3]].to_numpy(), rel=1e-12)


def drawn(doubt, groups, draws, seed=5):
    """P90 of groups by plain draws of the same model."""
    rng = np.random.default_rng(seed)
    parts = doubt.components
    shared = parts.loc[parts["scope"] == "shared", "sigma"].to_numpy(float)
    own = np.sqrt((parts.loc[parts["scope"] == "own", "sigma"].to_numpy(float) ** 2).sum())
    together = np.prod([np.maximum(1 + s * rng.standard_normal(draws), 0.05) for s in shared], 0)
    area, stamp = rng.standard_normal(draws), rng.standard_normal(draws)
    out = {}
    for label, rows in groups.groupby("group", sort=False):
        total = np.zeros(draws)
        for i, weight in zip(rows["row"], rows["weight"], strict=True):
            apart = rng.standard_normal(draws)
            z = np.sqrt(doubt.area_shared) * area + np.sqrt(1 - doubt.area_shared) * apart
            room = np.maximum(1 + z * np.where(z < 0, doubt.below[i], doubt.above[i]), 0)
            soiled = 1 + own * rng.standard_normal(draws)
            moved = 1 + doubt.shift[i] * stamp
            total += doubt.energy_kwh[i] * weight * room * soiled * moved
        out[label] = np.quantile(total * together, [0.1, 0.5, 0.9])
    return pd.DataFrame.from_dict(out, orient="index", columns=["p90", "p50", "p10"])


def uneven(count, seed=2):
    """Arrays of many sizes, with roofs of very different room, and groups of one to five."""
    rng = np.random.default_rng(seed)
    doubt = doubt_of(count)
    low, high = rng.uniform(0, 0.38, count), rng.uniform(0, 0.3, count)
    energy = rng.uniform(800, 9000, count)
    doubt = replace(doubt, energy_kwh=energy, below=low, above=high)
    sizes = np.resize([1, 2, 2, 3, 4, 5], count)
    group = np.repeat(np.arange(count), sizes)[:count]
    rows = pd.DataFrame({"group": group, "row": np.arange(count)})
    return doubt, rows.assign(weight=rng.uniform(0.3, 1.0, count))


def worst(found, true):
    off = np.abs(found / true.loc[found.index] - 1)
    return np.quantile(off.to_numpy(), 0.95), off.to_numpy().max()


def test_ranges_equal_plain_draws_of_the_same_model():
    doubt, groups = uneven(90)
    most, all_ = worst(energy_ranges(doubt, groups), drawn(doubt, groups, 200_000))
    assert most < 0.005
    assert all_ < 0.012
    whole = groups.assign(group="village")
    assert worst(energy_ranges(doubt, whole), drawn(doubt, whole, 200_000))[1] < 0.004
    built = as_built(doubt)
    assert worst(energy_ranges(built, groups), drawn(built, groups, 200_000))[1] < 0.004


@pytest.mark.long
def test_ranges_equal_a_million_draws():
    doubt, groups = uneven(240, seed=4)
    most, _ = worst(energy_ranges(doubt, groups), drawn(doubt, groups, 1_000_000))
    assert most < 0.005
    whole = groups.assign(group="village")
    assert worst(energy_ranges(doubt, whole), drawn(doubt, whole, 1_000_000))[1] < 0.002


def test_an_untold_time_stamp_widens_ranges_of_east_and_west(shared):
    weather = pvp.read_weather(shared / "data" / "weather" / "hangzhou_cswd.epw")
    doubt = doubt_of(12, weather=weather)
    groups = pd.DataFrame({"group": np.arange(12) // 3, "row": np.arange(12), "weight": 1.0})
    assert worst(energy_ranges(doubt, groups), drawn(doubt, groups, 200_000))[1] < 0.006
    alone = groups.assign(group=np.arange(12))
    assert worst(energy_ranges(doubt), drawn(doubt, alone, 200_000))[1] < 0.006


def test_contributions_sum_in_squares():
    table = contributions(doubt_of()).set_index("component")
    parts = table.drop(index="combined")[["roof", "village"]].astype(float)
    assert np.sqrt((parts**2).sum()).to_numpy() == pytest.approx(
        table.loc["combined", ["roof", "village"]].astype(float).to_numpy()
    )
    assert parts.loc["soiling", "village"] < parts.loc["soiling", "roof"]
    assert parts.loc["year_to_year", "village"] == parts.loc["year_to_year", "roof"]


def test_an_untold_time_stamp_is_doubt_of_east_and_west(shared):
    weather = pvp.read_weather(shared / "data" / "weather" / "hangzhou_cswd.epw")
    doubt = doubt_of(3, weather=replace(weather, sun_sigma_minutes=30.0))
    east, south, west = doubt.shift
    assert east < -0.02
    assert west > 0.02
    assert abs(south) < 0.015
    assert "time_stamp" in set(contributions(doubt)["component"])


def test_plan_states_p90_everywhere(liao):
    assert (liao.energy["energy_p90_kwh"] < liao.energy["energy_kwh"]).all()
    built = liao.households[liao.households["energy_kwh"] > 0]
    assert (built["energy_p90_kwh"] < built["energy_kwh"]).all()
    village_ratio = liao.villages["energy_p90_kwh"].sum() / liao.villages["energy_kwh"].sum()
    roof_ratio = (liao.energy["energy_p90_kwh"] / liao.energy["energy_kwh"]).mean()
    assert roof_ratio < village_ratio < 1


def test_over_life_years_average_and_wear_adds_up():
    doubt = as_built(doubt_of())
    long = over_life(doubt, 25)
    was, now = (d.components.set_index("component") for d in (doubt, long))
    assert now.loc["year_to_year", "sigma"] == pytest.approx(was.loc["year_to_year", "sigma"] / 5)
    assert now.loc["wear", "sigma"] == pytest.approx(0.003 * 12)
    assert (was.loc["wear", "scope"], now.loc["wear", "scope"]) == ("life", "shared")
    assert "wear" not in set(contributions(doubt)["component"])
    whole = pd.DataFrame({"group": "all", "row": np.arange(len(doubt.energy_kwh)), "weight": 1.0})
    one, mean = (energy_ranges(d, whole)["p90"].iloc[0] for d in (doubt, long))
    total = doubt.energy_kwh.sum()
    assert 0.85 < one / total < mean / total < 0.92


def test_poor_years_of_a_plan_are_of_one_year_and_of_the_life(liao):
    built = liao.households[liao.households["energy_kwh"] > 0]
    life, one = built["energy_p90_life_kwh"], built["energy_p90_built_kwh"]
    assert (life > one).all()
    assert (life < built["energy_kwh"]).all()
    village = liao.villages.iloc[0]
    assert village["energy_p90_built_kwh"] < village["energy_p90_life_kwh"] < village["energy_kwh"]
    table = liao.measures.merge(built[["household_id", "model"]], on=["household_id", "model"])
    planned, poor = (
        table[table["case"] == name].set_index("household_id") for name in ("planned", "poor_years")
    )
    # One bad year weighs more than the life's mean: by the energies that they are reckoned on.
    assert (poor["income_first_year"] < planned["income_first_year"] + 0.01).all()
    assert (poor["npv"] < planned["npv"] + 0.01).all()
