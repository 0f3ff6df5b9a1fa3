"""Voltages of low-voltage nets, held to pandapower's own (golden, made by ``make_kerber.py``)."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import ROOT
from made_nets import as_pandapower, street, write_net
from villages import EAST, NORTH, ONE, village

import pvplanner as pvp
from pvplanner.errors import ConfigError, InputError
from pvplanner.grid.net import conductor, read_pandapower
from pvplanner.grid.voltage import (
    hosting_capacity,
    household_voltages,
    limits_pu,
    solve_flow,
    what_helps,
)
from pvplanner.report import render_report

KERBER = ROOT / "tests" / "vendor" / "kerber"


@pytest.fixture(scope="module")
def kerber():
    return read_pandapower(KERBER / "net.json")


@pytest.fixture(scope="module")
def golden():
    return np.load(KERBER / "golden.npz")


def test_voltages_are_pandapowers_own_at_fifty_hours(kerber, golden):
    flow = solve_flow(kerber, golden["load"] - golden["made"])
    assert golden["volts"].shape == (50, 116)
    assert np.abs(flow.voltage - golden["volts"]).max() < 1e-5


def test_what_the_net_bears_is_pandapowers_within_one_per_cent(kerber, golden):
    kw = 300.0
    found = hosting_capacity(kerber, golden["load"], golden["made"], kw, loading=np.inf)
    assert found.factor == pytest.approx(float(golden["factor"]), rel=0.01)
    assert found.kw == pytest.approx(found.factor * kw)
    assert found.by == "voltage"
    # At the limit nobody is above it, and a little beyond somebody is.
    for more, over in ((1.0, False), (1.01, True)):
        flow = solve_flow(kerber, golden["load"] - more * found.factor * golden["made"])
        most = household_voltages(kerber, flow)["voltage_most"]
        assert bool(most.max() > limits_pu()[1]) is over
    worst = household_voltages(kerber, flow).set_index("household_id")["voltage_most"]
    assert worst.idxmax() == found.first


def test_a_transformer_may_be_the_first_limit(kerber, golden):
    found = hosting_capacity(kerber, golden["load"], golden["made"], 300.0)
    assert found.by == "transformer"
    flow = solve_flow(kerber, golden["load"] - found.factor * golden["made"])
    assert flow.loading.max() == pytest.approx(1.0, abs=0.01)


def test_energy_of_the_net_balances_in_every_hour(kerber, golden):
    """Load + losses + export = import + photovoltaics."""
    load, made = golden["load"], golden["made"]
    flow = solve_flow(kerber, load - made)
    import_, export = np.maximum(flow.drawn_kw, 0), np.maximum(-flow.drawn_kw, 0)
    off = load.sum(axis=1) + flow.loss_kw + export - import_ - made.sum(axis=1)
    assert np.abs(off).max() < 1e-6
    assert (flow.loss_kw > 0).all()


def test_a_line_by_hand():
    """One house at the end of 200 m of JKLYJ-70: dU = (P R + Q X) / U, to first order."""
    net = read_text(street(["H1"], length_km=0.2, kva=1e5))
    ohm, reach, _ = conductor("JKLYJ-70")
    assert (ohm, reach) == (0.443, 0.33)
    for kw, kvar in ((-10.0, 0.0), (6.0, 0.0), (-10.0, 4.0)):
        flow = solve_flow(net, np.array([[kw]]), kvar)
        drop = (kw * 1000 * ohm * 0.2 + kvar * 1000 * reach * 0.2) / 400.0**2
        low = flow.voltage[0, 1]
        assert flow.voltage[0, 2] == pytest.approx(low - drop, abs=2e-4)


def read_text(tables, folder=None):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "net.json"
        path.write_text(as_pandapower(tables), encoding="utf-8")
        return read_pandapower(path)


def test_hours_outside_the_band_are_counted():
    net = read_text(street(["H1", "H2"], length_km=0.4))
    kw = np.array([[-40.0, -40.0], [0.0, 0.0], [60.0, 60.0]])
    told = household_voltages(net, solve_flow(net, kw)).set_index("household_id")
    assert told.loc["H2", ["hours_high", "hours_low"]].tolist() == [1.0, 1.0]
    assert told.loc["H2", "voltage_most"] > told.loc["H1", "voltage_most"] > 1.07
    assert told.loc["H2", "voltage_least"] < 0.9


def test_what_would_help_helps():
    homes = [f"H{n}" for n in range(6)]
    net = read_text(street(homes, length_km=0.06, kva=400.0))
    load, made = np.full((30, 6), 0.5), np.linspace(0, 5, 30)[:, None] * np.ones(6)
    told = what_helps(net, load, made, 30.0).set_index("measure")
    base = told.loc["as_is", "kw"]
    assert told.loc["as_is", "first"] == "H5"
    for name in ("thicker", "tap", "reactive", "storage"):
        assert told.loc[name, "kw"] > 1.02 * base, name


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t | {"ext_grid": t["ext_grid"].iloc[:0]}, "net_no_source"),
        (lambda t: t | {"line": t["line"].iloc[:0]}, "net_apart"),
        (lambda t: t | {"gen": pd.DataFrame({"bus": [2], "p_mw": [1.0]})}, "net_parts"),
        (lambda t: t | {"line": t["line"].drop(columns="r_ohm_per_km")}, "table_columns"),
    ],
)
def test_nets_that_can_not_be_solved_are_refused(change, code):
    with pytest.raises(InputError) as caught:
        read_text(change(street(["H1", "H2"])))
    assert caught.value.code == code


def test_what_is_no_net_is_refused(tmp_path):
    for text in ("{", "[]", json.dumps({"_object": {}})):
        (tmp_path / "net.json").write_text(text)
        with pytest.raises(InputError):
            read_pandapower(tmp_path / "net.json")
    with pytest.raises(InputError) as caught:
        read_pandapower(tmp_path / "none.json")
    assert caught.value.code == "file_missing"


def test_what_is_out_of_service_is_no_part(tmp_path):
    tables = street(["H1", "H2"])
    tables["load"]["in_service"] = [True, False]
    assert read_text(tables).homes["household_id"].tolist() == ["H1"]


def test_more_than_a_net_can_carry_is_said():
    net = read_text(street(["H1"], length_km=2.0))
    with pytest.raises(ConfigError) as caught:
        solve_flow(net, np.array([[5000.0]]))
    assert caught.value.code == "net_unsolved"


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "power_grid_model", None)
    with pytest.raises(ConfigError, match="grid") as caught:
        solve_flow(read_text(street(["H1"])), np.array([[1.0]]))
    assert caught.value.code == "extra_missing"


def test_a_plan_with_a_net_knows_its_voltages(tmp_path):
    write_net(tmp_path / "net.json", [f"H{n}" for n in range(1, 9)], length_km=0.12, kva=200)
    extra = 'net = "net.json"\n'
    plan = pvp.plan_village(village(tmp_path, ONE.format(kva=200, line=500), extra))
    told = plan.result("voltage").set_index("household_id")
    assert len(told) == 8
    assert told["voltage_most"].is_monotonic_increasing
    held = plan.result("hosting").set_index("measure")["kw"]
    assert held["least"] < held["as_is"] < held["most"]
    page = render_report(plan, "en", internal=True)
    assert "lines twice as thick" in page
    assert "voltage not checked" not in page
    high = told["hours_high"] > 0
    assert high.any() == ("grid_voltage" in [f.code for f in plan.findings])
    # Fewer roofs, less voltage.
    fewer = plan.select(budget=60_000, weights={"energy": 1})
    assert fewer.result("voltage")["voltage_most"].max() < told["voltage_most"].max()


def test_a_net_keeps_its_own_source_unless_another_is_stated(tmp_path):
    tables = street([f"H{n}" for n in range(1, 9)], kva=200)
    tables["ext_grid"]["vm_pu"] = 1.04
    (tmp_path / "net.json").write_text(as_pandapower(tables), encoding="utf-8")
    least = [
        pvp.plan_village(village(tmp_path, extra='net = "net.json"\n' + told))
        .result("voltage")["voltage_least"].max()
        for told in ("", "[grid]\nsource_voltage = 1.04\n", "[grid]\nsource_voltage = 1.0\n")
    ]  # fmt: skip
    assert least[0] == pytest.approx(least[1], abs=1e-9)
    assert least[0] - least[2] == pytest.approx(0.04, abs=0.005)


def test_loads_and_households_that_do_not_meet_are_said(tmp_path):
    write_net(tmp_path / "net.json", [*[f"H{n}" for n in range(1, 8)], "Pump"], kva=200)
    plan = pvp.plan_village(village(tmp_path, extra='net = "net.json"\n'))
    assert len(plan.result("voltage")) == 7
    told = {f.code: f for f in plan.findings}
    assert told["net_loads"].count == told["net_lacks"].count == 1
    assert told["net_loads"].params["ids"] == "Pump"
    assert told["net_lacks"].params["ids"] == "H8"


def test_lines_with_a_conductor_make_a_net(tmp_path):
    way = shapely.LineString([(EAST, NORTH - 2), (EAST + 240, NORTH - 2)])
    lines = gpd.GeoDataFrame({"conductor": ["JKLYJ-70"]}, geometry=[way], crs=4549)
    lines.to_file(tmp_path / "lines.gpkg", engine="pyogrio")
    point = gpd.GeoSeries([shapely.Point(EAST, NORTH - 2)], crs=4549).to_crs(4326).iloc[0]
    grid = f"transformer_id,kva,lon,lat\nT1,200,{point.x:.8f},{point.y:.8f}\n"
    plan = pvp.plan_village(village(tmp_path, grid, 'lines = "lines.gpkg"\n'))
    told = plan.result("voltage").set_index("household_id")
    assert (plan.buildings["transformer_by"] == "lines").all()
    assert told.loc["H8", "voltage_most"] > told.loc["H1", "voltage_most"] > 1.0
    thick = lines.assign(conductor="JKLYJ-150")
    thick.to_file(tmp_path / "lines.gpkg", engine="pyogrio")
    again = pvp.plan_village(village(tmp_path, grid, 'lines = "lines.gpkg"\n'))
    assert again.result("voltage")["voltage_most"].max() < told["voltage_most"].max()
    lines.assign(conductor="string").to_file(tmp_path / "lines.gpkg", engine="pyogrio")
    with pytest.raises(InputError, match="string"):
        pvp.plan_village(village(tmp_path, grid, 'lines = "lines.gpkg"\n')).result("voltage")


def test_without_a_net_one_line_and_a_measured_voltage_say_what_is_known(tmp_path):
    point = gpd.GeoSeries([shapely.Point(EAST, NORTH)], crs=4549).to_crs(4326).iloc[0]
    grid = (
        "transformer_id,kva,lon,lat,measured_v\n"
        f"T1,200,{point.x:.8f},{point.y:.8f},228\n"
    )  # fmt: skip
    plan = pvp.plan_village(village(tmp_path, grid))
    page = render_report(plan, "en", internal=True)
    assert "voltage not checked; longest distance 216 m" in page
    assert "T1: 228.0 V measured, 7.4 V below the upper limit" in page
