"""Self-use by the hour against a plain loop; loads and meters that say what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner.demand import (
    SCALES,
    archetypes,
    at_scale,
    by_minutes,
    on_weather_clock,
    periods,
    read_meter,
    share_village_battery,
    simulate_demand,
)
from pvplanner.demand.load import year_shape
from pvplanner.energy.sky import clock_hours
from pvplanner.money import find_bills, household_bills
from pvplanner.weather import hourly_index

WEATHER = pvp.typical_year(29.72, 121.28)


def village(count, seed=0):
    rng = np.random.default_rng(seed)
    ids = [f"H{n}" for n in range(count)]
    houses = [f"B{n}" for n in range(count)]
    kinds = list(archetypes().index)
    households = pd.DataFrame(
        {"household_id": ids, "consumption_kwh": rng.uniform(400, 9000, count),
         "archetype": rng.choice(kinds, count), "own_building": False,
         "project_class": "natural_person_household"}
    )  # fmt: skip
    arrays = pd.DataFrame(
        {"building_id": np.repeat(houses, 2), "capacity_kwp": rng.uniform(1, 8, 2 * count),
         "surface_tilt": rng.uniform(0, 40, 2 * count),
         "surface_azimuth": rng.uniform(0, 360, 2 * count)}
    )  # fmt: skip
    # The last two live under one roof.
    shares = pd.DataFrame({"building_id": houses, "household_id": ids, "share": 1.0})
    shares.loc[count - 1, ["building_id", "share"]] = [houses[-2], 0.4]
    shares.loc[count - 2, "share"] = 0.6
    return households, arrays, shares


def plain_loop(made, load, bills, at, battery=(0.0, 0.0, 1.0)):
    """Hour by hour in Python: self-used, exported, lost, and the bill."""
    capacity, power, efficiency = battery
    one_way = np.sqrt(efficiency)
    stored = used = sent = lost = bought = bill = 0.0
    limits = [0.0, *bills.tiers, np.inf]
    for g, need, period in zip(made, load, at, strict=True):
        direct = min(g, need)
        spare, lack = g - direct, need - direct
        if capacity:
            taken = min(spare, power, (capacity - stored) / one_way)
            given = min(lack, power, stored * one_way)
            stored += taken * one_way - given / one_way
            lost += taken * (1 - one_way) + given * (1 / one_way - 1)
            spare, lack, direct = spare - taken, lack - given, direct + given
        used, sent = used + direct, sent + spare
        for tier in range(3):
            low, high = limits[tier], limits[tier + 1]
            part = max(min(bought + lack, high) - max(bought, low), 0.0)
            bill += part * bills.prices[tier, period]
        bought += lack
    return used, sent, lost + stored, bill


@pytest.mark.parametrize("time_of_use", [False, True])
@pytest.mark.parametrize("battery", [0.0, 6.0])
def test_self_use_and_bills_equal_a_plain_loop(time_of_use, battery):
    count = 12 if battery else 25
    households, arrays, shares = village(count)
    scenario = pvp.Scenario(tariff={"time_of_use": time_of_use}, demand={"battery_kwh": battery})
    bills = find_bills(scenario, "Zhejiang")
    table = simulate_demand(households, arrays, shares, WEATHER, scenario=scenario, first_year=0.99)
    billed, at = household_bills(table, bills), periods(scenario)
    hours = pvp.simulate_hours(arrays, WEATHER, scenario=scenario).to_numpy()
    kinds = archetypes()
    for row, person in households.iterrows():
        share = shares[shares["household_id"] == person["household_id"]].iloc[0]
        mine = (arrays["building_id"] == share["building_id"]).to_numpy()
        made = hours[:, mine].sum(axis=1) * share["share"] * 0.99
        load = year_shape(kinds.loc[person["archetype"]]) * person["consumption_kwh"]
        used, sent, lost, bill = plain_loop(made, load, bills, at, (battery, battery / 2, 0.9))
        assert table.loc[row, "self_used_kwh_0"] == pytest.approx(used, rel=1e-6)
        by_hour = table.loc[row, [f"export_kwh_h{hour:02d}" for hour in range(24)]]
        assert by_hour.sum() == pytest.approx(sent, rel=1e-6)
        assert table.loc[row, "battery_loss_kwh_0"] == pytest.approx(lost, abs=1e-3)
        assert billed.loc[row, "bill_after_0"] == pytest.approx(bill, rel=1e-6)
        before = plain_loop(np.zeros(8760), load, bills, at)[3]
        assert billed.loc[row, "bill_before"] == pytest.approx(before, rel=1e-9)
        whole = used + sent + lost
        assert whole == pytest.approx(made.sum(), rel=1e-9)


def test_between_the_scales_a_straight_line_holds_to_the_hours():
    households, arrays, shares = village(30, seed=3)
    scenario = pvp.Scenario()
    table = simulate_demand(households, arrays, shares, WEATHER, scenario=scenario, first_year=1.0)
    for scale in (0.985, 0.96, 0.9, 0.85):
        exact = simulate_demand(
            households, arrays, shares, WEATHER, scenario=scenario, first_year=scale
        )
        guess = at_scale(table, "self_used_kwh", np.array([[scale]]), np.zeros(30))[:, 0]
        assert guess == pytest.approx(exact["self_used_kwh_0"].to_numpy(), rel=1e-3)
    at_node = at_scale(table, "self_used_kwh", np.array([[SCALES[1]]]), np.zeros(30))[:, 0]
    assert at_node == pytest.approx(table["self_used_kwh_1"].to_numpy())


def test_tiers_and_time_of_use_of_zhejiang():
    bills = find_bills(pvp.Scenario(tariff={"time_of_use": True}), "Zhejiang")
    assert bills.tiers.tolist() == [2760, 4800]
    assert bills.prices[0].tolist() == [0.288, 0.568]
    at = periods(pvp.Scenario(tariff={"time_of_use": True}))
    assert at[:24].tolist() == [0] * 8 + [1] * 14 + [0] * 2
    assert find_bills(pvp.Scenario(), "Xinjiang") is None
    one = find_bills(pvp.Scenario(tariff={"self_use_price": 0.6}), None)
    assert (one.prices == 0.6).all()


def test_a_tariff_of_ones_own(tmp_path):
    path = tmp_path / "tariff.csv"
    path.write_text("up_to_kwh,flat,peak,valley\n1000,0.5,0.6,0.3\n,0.7,0.8,0.4\n")
    bills = find_bills(pvp.Scenario(tariff={"file": str(path)}), None)
    assert bills.tiers.tolist() == [1000, np.inf]
    assert bills.prices[2, 0] == 0.7
    path.write_text("a,b\n1,2\n")
    with pytest.raises(pvp.InputError, match="up_to_kwh"):
        find_bills(pvp.Scenario(tariff={"file": str(path)}), None)


@pytest.mark.parametrize("name", list(archetypes().index))
def test_archetypes_are_whole(name):
    shape = year_shape(archetypes().loc[name])
    assert shape.sum() == pytest.approx(1)
    assert (shape >= 0).all()
    assert archetypes().loc[name, "source"]


def test_unknown_archetypes_and_profiles_are_refused():
    households, arrays, shares = village(3)
    options = {"weather": WEATHER}
    with pytest.raises(pvp.ConfigError, match="elderly_pair"):
        simulate_demand(
            households.assign(archetype="castle"),
            arrays,
            shares,
            scenario=pvp.Scenario(),
            **options,
        )
    with pytest.raises(pvp.ConfigError, match="profile"):
        pvp.Scenario(demand={"profile": [1.0] * 23})


def meter_rows(drop=(), twice=(), negative=()):
    times = hourly_index(8.0).tz_localize(None)
    frame = pd.DataFrame({"household_id": "H1", "time": times.astype(str), "kwh": 0.25})
    frame.loc[list(negative), "kwh"] = -1.0
    return pd.concat([frame.drop(index=list(drop)), frame.loc[list(twice)]])


def test_meter_hours_take_the_place_of_the_archetype(tmp_path):
    path = tmp_path / "meter.csv"
    meter_rows().to_csv(path, index=False)
    meter = read_meter(path)
    assert meter["H1"].sum() == pytest.approx(0.25 * 8760)
    households, arrays, shares = village(3)
    table = simulate_demand(
        households, arrays, shares, WEATHER, scenario=pvp.Scenario(), meter=meter
    )
    assert table["load_kwh"].iloc[1] == pytest.approx(2190)
    assert table["load_kwh"].iloc[0] == pytest.approx(households["consumption_kwh"].iloc[0])
    assert np.isnan(household_bills(table, None)["bill_before"]).all()


def test_meter_days_of_96_points(tmp_path):
    days = pd.date_range("2023-01-01", "2023-12-31").astype(str)
    points = {f"p{n:02d}": 0.4 for n in range(1, 97)}
    path = tmp_path / "days.csv"
    pd.DataFrame({"household_id": "H1", "date": days, **points}).to_csv(path, index=False)
    assert read_meter(path)["H1"].sum() == pytest.approx(0.4 * 8760)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"drop": [100, 101]}, r"2 hours are missing.*1990-01-05 04"),
        ({"twice": [7000]}, "comes twice"),
        ({"negative": [5]}, "not a possible reading"),
    ],
)
def test_bad_meters_are_refused(tmp_path, spoil, said):
    path = tmp_path / "meter.csv"
    meter_rows(**spoil).to_csv(path, index=False)
    with pytest.raises(pvp.InputError, match=said):
        read_meter(path)


def test_a_village_battery_gives_back_what_it_stored_less_its_losses():
    scenario = pvp.Scenario(demand={"village_battery_kwh": 100.0, "battery_efficiency": 0.81})
    spare, lack = np.zeros(8760), np.zeros(8760)
    spare[10:14], lack[20:30] = 40.0, 30.0
    found = share_village_battery(spare, lack, scenario=scenario)
    assert found["charged_kwh"] == pytest.approx(100 / 0.9)
    assert found["discharged_kwh"] == pytest.approx(90)
    assert found["stored_at_end_kwh"] == pytest.approx(0, abs=1e-9)


# --- in the plan --------------------------------------------------------------------------------


def test_cash_flows_of_the_plan_sum_to_zero_and_give_the_income(liao):
    table = liao.cash_flows()
    assert table.groupby(["model", "year"])["yuan"].sum().abs().max() < 1e-3
    mine = table[(table["party"] == "household") & (table["year"] == 1)]
    income = mine.groupby("household_id")["yuan"].sum()
    stated = liao.households.set_index("household_id")["income_first_year"]
    known = stated.index.intersection(income.index)
    assert income[known].to_numpy() == pytest.approx(stated[known].to_numpy(), abs=0.005)


def test_li_ao_of_2015_with_nothing_tuned():
    from conftest import LIAO

    plan = pvp.plan_village(pvp.Scenario.from_toml(LIAO.with_name("liao-2015.toml")))
    ours, planned, outcome = plan.press.to_dict("records")
    assert 470_000 <= ours["energy"] <= 550_000
    assert planned["price"] == pytest.approx(1.30)
    assert outcome["price"] == pytest.approx(1.00)
    # Each difference is explained to the yuan by price, energy and uncounted costs.
    assert ours["by_costs"] > 0  # running cost and free power, which the press does not count
    for said in (planned, outcome):
        gap = said["by_price"] + said["by_energy"]
        assert gap == pytest.approx(said["income"] - ours["income"], abs=0.05)
    free = plan.ledger[(plan.ledger["item"] == "free_kwh") & (plan.ledger["year"] == 1)]
    assert free["yuan"].sum() == pytest.approx(30 * 12 * 0.538 * 344, rel=1e-6)
    # Some small roofs hold fewer than six whole modules.
    assert plan.collective["capital"].iloc[0] == pytest.approx(5e6, rel=0.05)


def test_load_and_roof_go_by_one_clock():
    households, arrays, shares = village(6)
    data = WEATHER.data
    # The same year, stamped half an hour later: light of the same minutes under other numbers.
    early = replace(WEATHER, sun_offset_minutes=0.0)
    scenario = pvp.Scenario()
    assert clock_hours(WEATHER) == 0
    assert clock_hours(early) == -0.5
    found = simulate_demand(households, arrays, shares, early, scenario=scenario)
    power = pvp.simulate_hours(arrays, early, scenario=scenario).to_numpy()
    table = archetypes()
    for row, home in households.iloc[:4].iterrows():
        shape = year_shape(table.loc[home["archetype"]]) * home["consumption_kwh"]
        then = (shape + np.roll(shape, 1)) / 2
        mine = power[:, 2 * row] + power[:, 2 * row + 1]
        used = np.minimum(mine, then).sum()
        assert found.loc[row, "self_used_kwh_0"] == pytest.approx(used, abs=0.05)
        sold = found.loc[row, [f"export_kwh_h{h:02d}" for h in range(24)]].astype(float)
        assert sold.sum() == pytest.approx(mine.sum() - used, abs=0.05)
        spare = (mine - np.minimum(mine, then)).reshape(365, 24).sum(axis=0)
        # An hour that lies from half to half falls to both.
        assert sold.iloc[12] == pytest.approx((spare[12] + spare[13]) / 2, abs=0.01)
    assert len(data) == 8760


def test_a_file_in_solar_time_is_moved_to_the_legal_clock():
    west = replace(WEATHER, latitude=43.8, longitude=87.6)
    moved = replace(west, data=west.data.set_axis(hourly_index(6.0)))
    assert clock_hours(west) == 0
    assert clock_hours(moved) == 2
    shape = np.arange(8760.0)
    assert on_weather_clock(shape, 2.0)[0] == 2
    assert on_weather_clock(shape, -0.25)[5] == pytest.approx(4.75)
    assert on_weather_clock(shape, -0.5).sum() == pytest.approx(shape.sum())


def test_homes_use_less_by_the_minute():
    households, arrays, shares = village(8, seed=3)
    households["archetype"] = ["family", "workshop"] * 4
    scenario = pvp.Scenario(demand={"use_by_minutes": 0.9})
    hours = simulate_demand(households, arrays, shares, WEATHER, scenario=scenario)
    minutes = by_minutes(hours, households, scenario=scenario)
    left = minutes["self_used_kwh_0"] / hours["self_used_kwh_0"]
    assert left.to_numpy() == pytest.approx([0.9, 1.0] * 4)
    sold = [f"export_kwh_h{h:02d}" for h in range(24)]
    for table in (hours, minutes):
        whole = table[sold].sum(axis=1) + table["self_used_kwh_0"]
        assert whole.to_numpy() == pytest.approx(
            (hours[sold].sum(axis=1) + hours["self_used_kwh_0"]).to_numpy()
        )
    months = [c for c in hours if c.startswith("self_used_kwh_0_")]
    assert minutes[months].sum(axis=1).to_numpy() == pytest.approx(
        minutes["self_used_kwh_0"].to_numpy()
    )
    stored = pvp.Scenario(demand={"use_by_minutes": 0.9, "battery_kwh": 5.0})
    assert by_minutes(hours, households, scenario=stored) is hours
    assert by_minutes(hours, households, scenario=scenario.override(
        {"demand.use_by_minutes": 1.0})) is hours  # fmt: skip
