"""The graph of stages: warm equals cold, only what changed is done again.

The village has every kind of input: a surface model, terrain, a ledger, a meter, a survey, a loan.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import shutil
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from made_nets import write_net
from villages import EAST, NORTH, box, frame, write_village

import pvplanner as pvp
from pvplanner.mapping import render_map
from pvplanner.money import resolve_terms
from pvplanner.plan import GRAPH
from pvplanner.plan.joined import Runs
from pvplanner.plan.plan import KEPT, Plan
from pvplanner.plan.runner import Cut, Graph, Run, value_of
from pvplanner.plan.store import FileHashes, FolderStore, MemoryStore
from pvplanner.plan.tables import from_bytes, to_bytes
from pvplanner.report import render_report
from pvplanner.terrain import write_heights

HOUSES = 7


def heights(shift: float = 0.0) -> np.ndarray:
    """Gables and one level roof over the houses of the village, at half a metre."""
    x, y = np.meshgrid(np.arange(480) * 0.5 - 20, 50 - np.arange(160) * 0.5)
    z = np.zeros(x.shape)
    for n in range(HOUSES):
        inside = (x > 30 * n) & (x < 30 * n + 12) & (y > 0) & (y < 9)
        roof = 6.0 if n == 3 else 8.0 - 0.45 * np.abs(y - 4.5) + shift
        z = np.where(inside, roof, z)
    return z + np.random.default_rng(0).normal(0, 0.02, z.shape)


def centre_of_village():
    """Degrees of a place beside the first house."""
    point = gpd.GeoSeries([shapely.Point(EAST + 10, NORTH - 5)], crs=4549).to_crs(4326).iloc[0]
    return f"{point.x:.7f}", f"{point.y:.7f}"


def make_village(folder):
    village = frame([box(30 * n, 0, 12, 9) for n in range(HOUSES)])
    kinds = ["natural_person_household"] * 5 + ["non_natural_person_household",
                                                "general_commercial"]  # fmt: skip
    village["project_class"] = kinds
    village["height_m"] = 7.0
    village["blk"] = "east"
    corner = (EAST - 20, NORTH + 50)
    for name, shift in (("dsm", 0.0), ("dsm2", 0.3)):
        write_heights(folder / f"{name}.tif", heights(shift), corner, 0.5, "EPSG:4549")
    for name, level in (("dtm", 0.0), ("dtm2", 0.4)):
        bare = np.full((40, 120), level)
        write_heights(folder / f"{name}.tif", bare, corner, 2.0, "EPSG:4549")
    for name, top in (("dem", 60.0), ("dem2", 120.0)):
        far = np.zeros((60, 60))
        far[:20] = top
        write_heights(folder / f"{name}.tif", far, (EAST - 3000, NORTH + 3000), 100, "EPSG:4549")
    rows = [f"H{n},B{n},{600 * n},{9000 + n},{'yes' if n == 2 else 'no'},2" for n in range(1, 6)]
    head = "household_id,building_id,consumption_kwh,income_today,low_income,grp\n"
    (folder / "ledger.csv").write_text(head + "\n".join([*rows, "H6,B1;B2,2500,8000,no,3"]))
    write_cloud(folder / "cloud.las")
    (folder / "ledger2.csv").write_text(head + "\n".join(rows).replace("600", "700"))
    (folder / "survey.csv").write_text("building_id,roof_type\nB2,gable\n")
    (folder / "survey2.csv").write_text("building_id,floors\nB2,3\n")
    times = pd.date_range("1990-01-01", periods=8760, freq="h").astype(str)
    for name, kwh in (("meter", 0.25), ("meter2", 0.35)):
        metered = pd.DataFrame({"household_id": "H1", "time": times, "kwh": kwh})
        metered.to_csv(folder / f"{name}.csv", index=False)
    tariff = "up_to_kwh,flat,peak,valley\n1000,0.5,0.6,0.3\n,0.7,0.8,0.4\n"
    (folder / "tariff.csv").write_text(tariff)
    path = "".join(f"{y},{0.5 - 0.005 * (y - 2020):.4f}\n" for y in range(2020, 2060))
    (folder / "pathway.csv").write_text("year,factor_kg_per_kwh\n" + path)
    horizon = "azimuth,elevation\n" + "".join(f"{a},{5 + a % 7}\n" for a in range(0, 360, 10))
    (folder / "horizon.csv").write_text(horizon)
    area = gpd.GeoDataFrame(geometry=[shapely.box(EAST, NORTH, EAST + 3, NORTH + 9)], crs=4549)
    for name in ("keep_out", "existing_pv", "roads", "water", "boundary"):
        area.to_file(folder / f"{name}.gpkg", engine="pyogrio")
    village.assign(height_m=8.0).to_file(folder / "other.gpkg", engine="pyogrio")
    head = "transformer_id,parent,kva,connected_kw,longitude,latitude,open_kw\n"
    lon, lat = centre_of_village()
    for name, kva in (("grid", 20), ("grid2", 30)):
        rows = f"T1,L1,{kva},2,{lon},{lat},\nL1,,,,,,25\n"
        (folder / f"{name}.csv").write_text(head + rows)
    way = shapely.LineString([(EAST, NORTH - 2), (EAST + 30 * HOUSES, NORTH - 2)])
    lines = gpd.GeoDataFrame({"conductor": ["JKLYJ-70"]}, geometry=[way], crs=4549)
    lines.to_file(folder / "lines.gpkg", engine="pyogrio")
    write_net(folder / "net.json", [f"H{n}" for n in range(1, 6)])
    (folder / "chosen.csv").write_text("household_id,phase\nH1,1\nH2,2\nH6,1\n")
    (folder / "facts.csv").write_text("kind,name,measure,value\nphase,1,kw,3\n")
    (folder / "meeting.toml").write_text("[posting]\nbegun = 2026-03-01\ndays = 15\n")
    roof = frame([box(0, 0, 12, 9)]).assign(plane_id="P1", surface_tilt=20.0, surface_azimuth=170.0)
    roof.to_file(folder / "roofs.gpkg", engine="pyogrio")
    shutil.copy(pvp.reference.__file__.replace("__init__.py", "load_archetypes.csv"),
                folder / "archetypes.csv")  # fmt: skip
    text = (folder / "archetypes.csv").read_text().replace("family,2600", "family,2900")
    (folder / "archetypes.csv").write_text(text)
    extra = (
        'households = "ledger.csv"\ndsm = "dsm.tif"\ndtm = "dtm.tif"\ndem = "dem.tif"\n'
        'survey = "survey.csv"\nprovince = "Zhejiang"\ntransformers = "grid.csv"\n'
        '[demand]\nmeter = "meter.csv"\n'
        '[loan]\nshare = 0.5\n[finance]\nmodel = "self_use"\n'
        'model_by_class.non_natural_person_household = "cooperative"\n'
        '[[press]]\nname = "said"\nenergy_kwh = 1000\nincome = 900\nsource = "paper"\n'
    )
    return write_village(folder, village, extra)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def village(folder):
    return pvp.Scenario.from_toml(make_village(folder))


@pytest.fixture(scope="module")
def base(village):
    return pvp.plan_village(village)


ODD = {
    "name": "other", "language": "zh", "site.buildings": "other.gpkg", "site.layer": "buildings",
    "site.crs": "EPSG:4549", "site.datum": "cgcs2000", "site.columns": {"blk": "hamlet"},
    "site.weather": None, "site.province": "Jiangsu", "site.village": "Upper",
    "site.division_code": "330212110200", "site.households": "ledger2.csv",
    "site.household_columns": {"grp": "hamlet"}, "site.dsm": "dsm2.tif", "site.points": "cloud.las",
    "site.dtm": "dtm2.tif",
    "site.dem": "dem2.tif", "site.planes": "roofs.gpkg", "site.horizon": "horizon.csv",
    "site.existing_pv": "existing_pv.gpkg", "site.keep_out": "keep_out.gpkg",
    "site.survey": "survey2.csv", "site.transformers": "grid2.csv",
    "site.lines": "lines.gpkg", "site.net": "net.json", "site.roads": "roads.gpkg",
    "site.water": "water.gpkg", "site.boundary": "boundary.gpkg", "site.synthetic": True,
    "weather.trusted": "all", "weather.sun_offset_minutes": 10.0, "weather.seed": 3,
    "weather.latitude": 30.0, "weather.longitude": 121.0, "weather.altitude": 40.0,
    "weather.utc_offset_hours": 8.0, "roof.tilt": {"gable": 20.0},
    "roof.usable_low": {"gable": 0.2}, "roof.usable_middle": {"gable": 0.4},
    "roof.usable_high": {"gable": 0.9}, "roof.default_type": "flat",
    "roof.rules": {"setback_eave": 0.6}, "roof.water_heaters": "go",
    "roof.wind_kn_per_m2": 0.9, "module.product": "Aiko Comet Gen 3 (ABC)",
    "module.flat_tilt": 10.0, "module.row_spacing_m": 4.0, "module.yield_share_min": 0.9,
    "module.building_limit_kwp": 5.0, "module.village_limit_kwp": 15.0, "module.min_modules": 9,
    "module.orientation": "portrait", "module.gap_m": 0.05, "module.flat_layout": "east_west",
    "module.row_azimuth": "equator", "module.east_west_tilt": 8.0, "module.canopy_tilt": 6.0,
    "module.canopy_height_m": 2.0, "module.height_limit_m": 0.6, "module.household_limit_kwp": 4.0,
    "module.connection_limit_kw": 5.0, "demand.use_by_minutes": 1.0, "finance.book_life_years": 15,
    "finance.vat_rate_after": 0.05,
    "system.wind_height_m": 6.0,
    "system.ac_cable": 0.01, "system.night_w_per_kw": 1.0, "system.low_light": True,
    "system.bifaciality": 0.8, "system.shade": "string", "system.mount": "open_rack",
    "system.transposition": "haydavies", "system.temperature": "sapm", "system.albedo": 0.3,
    "system.losses": 0.1, "system.loss_items.soiling": 0.04, "system.loss_items.shading": 0.05,
    "system.loss_items.snow": 0.01, "system.loss_items.mismatch": 0.03,
    "system.loss_items.wiring": 0.01, "system.loss_items.connections": 0.01,
    "system.loss_items.light_induced": None, "system.loss_items.nameplate": 0.0,
    "system.loss_items.availability": 0.01, "system.dc_ac_ratio": 1.6,
    "system.inverter_efficiency": 0.94, "system.inverter_sizes": "exact",
    "system.single_phase_limit_kw": 3.0, "doubt.draws": 200, "doubt.seed": 4,
    "doubt.area_shared": 0.9, "doubt.sigma": {"year_to_year": 0.08},
    "demand.archetype": "elderly_pair", "demand.archetypes": "archetypes.csv",
    "demand.profile": [1.0] * 12 + [2.0] * 12, "demand.meter": "meter2.csv",
    "demand.meter_unit": "kW", "site.height_unit": "m",
    "demand.self_use_share": 0.4, "demand.battery_kwh": 4.0, "demand.battery_kw": 1.0,
    "demand.battery_efficiency": 0.8, "demand.village_battery_kwh": 20.0,
    "tariff.project_class": "non_natural_person_household",
    "tariff.connection_date": dt.date(2025, 3, 1), "tariff.mechanism_share": 0.5,
    "tariff.mechanism_bid": 0.3, "tariff.mechanism_years": 12, "tariff.market_path": "low",
    "tariff.market_price": 0.25, "tariff.export_price": 0.33, "tariff.self_use_price": 0.6,
    "tariff.self_use_factor": 1.1,
    "tariff.file": "tariff.csv", "tariff.time_of_use": True, "tariff.peak_hours": [9, 20],
    "tariff.market_hourly": [1.0] * 12 + [0.7] * 12, "tariff.price_factor": 0.9,
    "tariff.market_decline_per_year": 0.02, "tariff.market_path_prices": [0.2] * 25,
    "tariff.market_months": [0.2] * 6 + [0.4] * 6, "tariff.own_price": "hours",
    "tariff.case_low": 0.5, "tariff.case_high": 1.5, "tariff.commercial_price": 0.9,
    "tariff.settlement_delay_months": 3, "tariff.valley_hours": [0, 6],
    "demand.battery_cost_per_kwh": 900.0, "demand.battery_life_years": 8,
    "loan.instalments": "quarterly",
    "tariff.subsidy_per_kwh": 0.1, "tariff.subsidy_until": dt.date(2029, 1, 1),
    "finance.model": "self_invest", "finance.model_by_class": None, "finance.currency": "EUR",
    "finance.capex_per_w": 3.2, "finance.opex_per_w_year": 0.05, "finance.cost_growth": 0.02,
    "finance.insurance_per_w_year": 0.01, "finance.inverter_cost_per_w": 0.3,
    "finance.inverter_life_years": 10, "finance.tax_rate": 0.05, "finance.vat_rate": 0.03,
    "finance.vat_free_per_month": 10.0, "finance.vat_free_until": dt.date(2030, 12, 31),
    "finance.discount_rate": 0.07, "finance.life_years": 22, "finance.degradation_first_year": 0.02,
    "finance.degradation_per_year": 0.006, "finance.rent_basis": "kwp", "finance.rent": 50.0,
    "finance.rent_once": 100.0, "finance.rent_growth": 0.01, "finance.lease_years": 15,
    "finance.lease_renewed": True, "finance.rural_income_per_head": 40_000.0,
    "finance.body": "cooperative", "finance.may_borrow": False, "finance.tax_holiday": True,
    "finance.vat_reduced_until": dt.date(2029, 12, 31),
    "finance.person_vat": "by_sale", "finance.rent_taxed": "at_once", "finance.dividend_tax": 0.2,
    "finance.in_town": True, "finance.grant_per_w": {"natural_person_household": 0.3},
    "finance.decommission_per_w": 0.1, "finance.residual_share": 0.03,
    "finance.lease_end": "handover",
    "finance.events": [{"kind": "typhoon", "year": 3, "outage_months": 2, "cost_per_w": 0.2}],
    "loan.share": 0.7, "loan.rate": 0.05, "loan.years": 12, "loan.kind": "equal_principal",
    "loan.pledge": "roof", "loan.guarantor": "village", "loan.reserve_account": "yes",
    "cooperative.mode": "self_use", "cooperative.grant": 900.0, "cooperative.reserve_rate": 0.4,
    "cooperative.equal_share": 0.5, "cooperative.low_income_share": 0.2,
    "cooperative.pays_rent": True, "cooperative.free_kwh_per_month": 10.0,
    "cooperative.volume_share": 0.7, "cooperative.member_loan_share": 0.2,
    "cooperative.member_loan_rate": 0.03, "cooperative.member_loan_years": 6,
    "cooperative.provision": True, "cooperative.agent": True, "cooperative.agent_fee": 0.02,
    "cooperative.owners": {"upper": 0.4, "lower": 0.6}, "developer.taxpayer": "general",
    "developer.hurdle_rate": 0.1, "contract.plant_owner": "investor",
    "contract.filed_as": "household", "contract.removal_paid_by": "investor",
    "contract.leak_repair_by": "installer", "contract.compensation_to": "household",
    "contract.papers": ["charter"],
    "cooperative.free_kwh_paid_by": "state", "developer.discount": 0.2,
    "developer.export_share": 0.1, "developer.pays_rent": False, "carbon.factor_year": 2022,
    "carbon.factor_kg_per_kwh": 0.6, "carbon.method": "combined_margin", "carbon.pathway": "frozen",
    "carbon.pathway_file": "pathway.csv", "carbon.embodied_kg_per_kwp": 900.0,
    "carbon.claim": "green_certificate", "carbon.claim_share": 0.5, "carbon.claim_price": 6.0,
    "carbon.claim_price_growth": 0.02, "carbon.coal_convention": "400_gce_per_kwh",
    "press": [], "grid.curtailment": 0.05, "grid.reverse_load": 0.7, "grid.output_rate": 0.9,
    "grid.power_factor": 0.9, "grid.reach_m": 60.0, "grid.export_limit": "transformer",
    "grid.house_export_share": 0.6, "grid.source_voltage": 1.02, "grid.cost_export_limit": 900.0,
    "grid.cost_control": 700.0, "grid.cost_storage_per_kwh": 1000.0,
    "grid.cost_transformer_per_kva": 300.0, "grid.cost_pooled_per_kva": 500.0,
    "selection.file": "chosen.csv", "selection.facts": "facts.csv", "selection.budget": 90_000.0,
    "selection.phases": 2, "selection.phase": 2, "selection.weights": {"energy": 1.0},
    "selection.min_share": {"low_income": 0.2}, "selection.must": ["H1"],
    "selection.never": ["H2"], "selection.models": ["self_use"],
    "selection.price_case": "worst", "selection.reuse": 0.5, "selection.capacity_kw": 30.0,
    "selection.gap": 0.01, "selection.nodes": 50, "selection.meeting": "meeting.toml",
    "documents.date": "2026-03-08", "documents.recipient": "village", "documents.issuer": "town",
    "documents.version": "2", "documents.installer": "a firm", "documents.licence": "none",
    "documents.inverter": "30 kW", "documents.controllable": "by a box",
    "installation.voc_v": 52.0, "installation.vmp_v": 43.0, "installation.voc_per_k": -0.0025,
    "installation.vmp_per_k": -0.003, "installation.dc_most_v": 1000.0,
    "installation.mppt_low_v": 200.0, "installation.mppt_high_v": 850.0,
    "installation.coldest_c": -9.0, "installation.hottest_cell_c": 75.0,
    "installation.rules": {"rails_per_row": 3.0},
}  # fmt: skip
"""Another value for every key of a scenario; ``None`` where a change needs a word of its own."""

OWN = {
    "site.weather": "its file is read in the tests of weather",
    "system.loss_items.light_induced": "counted once: see test_money",
    "finance.model_by_class": "a class must have a lawful model",
}


def leaves(model, path=""):
    for name, told in type(model).model_fields.items():
        value = getattr(model, name)
        inner = type(value)
        if hasattr(inner, "model_fields"):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", told


def changed(village, folder, key):
    """The value of ``ODD``, a path where the key names a file."""
    value = ODD[key]
    if isinstance(value, str) and (folder / value).is_file():
        return {key: str(folder / value)}
    if key == "finance.model_by_class":
        both = {"non_natural_person_household": "developer", "general_commercial": "self_use"}
        return {key: both}
    if key == "system.loss_items.light_induced":
        return {key: 0.01, "finance.degradation_first_year": 0.0}
    if key == "finance.model":
        return {key: value, "finance.model_by_class.general_commercial": "self_use"}
    if key == "site.weather":
        return {key: "typical", "weather.seed": 1}
    return {key: value}


def test_every_key_of_the_scenario_has_another_value(village):
    assert {key for key, _ in leaves(village)} == set(ODD)
    assert {key for key, value in ODD.items() if value is None} == set(OWN)


def everything(plan):
    """All tables, kept results, findings and pages of a plan, as bytes."""
    out = {name: to_bytes(table.reset_index(drop=False)) for name, table in plan.tables()}
    out |= {name: to_bytes(plan.result(name)) for name in KEPT}
    out["findings"] = json.dumps([f.to_dict() for f in plan.findings], default=str).encode()
    out["summary"] = json.dumps(plan.summary(), default=str, sort_keys=True).encode()
    language = plan.scenario.language
    out["map"] = render_map(plan, language, internal=True).encode()
    out["report"] = render_report(plan, language, internal=True).encode()
    return out


def check_key(base, village, folder, key):
    change = changed(village, folder, key)
    before = {name: base.content(name) for name in GRAPH}
    # A store of its own: another test's change may have come to the same numbers.
    store = copy.copy(base._run.store)
    store.__dict__ = {name: dict(held) for name, held in vars(store).items()}
    warm = Plan(Runs(GRAPH, base.scenario, store)).under(change)
    cold = pvp.plan_village(village.override(change))
    ours, theirs = everything(warm), everything(cold)
    assert [name for name in ours if ours[name] != theirs[name]] == []
    scenario = warm.scenario
    declared = {
        stage.name for stage in GRAPH.values()
        if any(value_of(village, k) != value_of(scenario, k) for k in stage.reads)
    }  # fmt: skip
    after = {name: warm.content(name) for name in GRAPH}
    moved = {name for name in GRAPH if before[name] != after[name]}
    allowed = declared | {s.name for s in GRAPH.values() if moved & set(s.needs)}
    assert set(warm.ran) == allowed
    return moved


def write_cloud(path):
    """A point cloud of the village: six metres high everywhere."""
    import laspy
    from pyproj import CRS

    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales = [0.001] * 3
    header.offsets = [EAST, NORTH, 0]
    header.add_crs(CRS.from_epsg(4549))
    las = laspy.LasData(header)
    x, y = (part.ravel() for part in np.meshgrid(np.arange(-40, 200, 0.4), np.arange(-40, 80, 0.4)))
    las.x, las.y, las.z = EAST + x, NORTH + y, np.full(len(x), 6.0)
    las.write(path)


EVERYDAY = ("finance.capex_per_w", "site.dsm", "demand.meter", "doubt.seed")


@pytest.mark.parametrize("key", EVERYDAY)
def test_warm_equals_cold(base, village, folder, key):
    moved = check_key(base, village, folder, key)
    if key == "doubt.seed":
        assert not moved
        told = base.under({"doubt.seed": 4, "doubt.draws": 200}).findings
        assert [f.where for f in told if f.code == "key_gone"] == ["doubt.draws", "doubt.seed"]
        assert not [f for f in base.findings if f.code == "key_gone"]


@pytest.mark.long
@pytest.mark.parametrize("key", sorted(set(ODD) - set(EVERYDAY)))
def test_warm_equals_cold_for_every_key(base, village, folder, key):
    if key in ("weather.latitude", "weather.longitude", "weather.altitude",
               "weather.utc_offset_hours"):  # fmt: skip
        assert "energy" not in check_key(base, village, folder, key)
        return
    check_key(base, village, folder, key)


def test_a_change_of_money_does_no_physics(base):
    dearer = base.under({"finance.capex_per_w": 3.3})
    dearer.view("households")
    dearer.view("villages")
    physics = {"planes", "horizons", "layout", "energy", "demand", "ranges", "year", "buildings"}
    assert not physics & set(dearer.ran)
    assert {"terms", "price_list", "chosen"} <= set(dearer.ran)
    assert not {"measures", "bills"} & set(dearer.ran)


def test_a_stage_that_gives_the_same_bytes_stops_the_change(base):
    same = base.under({"module.canopy_tilt": 9.0})
    same.view("households")
    assert "planes" in same.ran
    assert not {"horizons", "energy", "demand"} & set(same.ran) - {
        s.name for s in GRAPH.values() if "module.canopy_tilt" in s.keys
    }
    assert "chosen" not in same.ran


def test_undeclared_keys_can_not_be_read(village):
    cut = Cut(village, frozenset({"finance.life_years", "system.loss_items"}))
    assert cut.finance.life_years == 25
    assert cut.system.loss_items.soiling == 0.02
    for read in (lambda: cut.finance.capex_per_w, lambda: cut.tariff, lambda: cut.override,
                 lambda: cut.model_dump, lambda: cut.finance.model_dump):  # fmt: skip
        with pytest.raises(LookupError, match="does not declare"):
            read()


def test_a_stage_that_reads_more_than_it_declares_fails(village):
    graph = Graph()

    @graph.stage("greedy", keys=("finance.life_years",))
    def greedy(*, scenario):
        return pd.DataFrame({"x": [scenario.finance.capex_per_w]})

    with pytest.raises(LookupError, match=r"finance\.capex_per_w"):
        Run(graph, village, MemoryStore()).table("greedy")


def test_a_stage_needs_only_what_stands_before_it():
    graph = Graph()
    with pytest.raises(KeyError, match="nowhere"):
        graph.stage("late")(lambda nowhere: nowhere)


def test_every_declared_key_is_a_key_and_is_read_by_somebody(village):
    known = {key for key, _ in leaves(village)}
    sections = {key.rpartition(".")[0] for key in known}
    for stage in GRAPH.values():
        for key in stage.reads:
            value_of(village, key)
            assert key in known | sections | {"finance.costs_stated", "finance.rent_stated"}, key
    read = {key for stage in GRAPH.values() for key in stage.reads}
    unread = {k for k in known if not any(k == r or k.startswith(f"{r}.") for r in read)}
    # What only pages show, what a choice is asked by, and what does nothing any more.
    asked = {key for key in known if key.startswith(("selection.", "documents.", "installation."))}
    asked -= {"selection.file", "selection.facts", "selection.phase", "selection.weights",
              "selection.min_share"}  # fmt: skip
    assert unread == {"language", "doubt.draws", "doubt.seed", "site.roads", "site.water", *asked}


def test_results_come_back_to_the_last_digit(base):
    for name in GRAPH:
        table = base.result(name)
        body = to_bytes(table)
        again = from_bytes(body)
        assert to_bytes(again) == body, name
        if isinstance(table, pd.DataFrame):
            objects = [c for c in table if table[c].dtype == object]
            assert not objects, (name, objects)
            assert not table.attrs
            pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(again), obj=name)


def test_what_is_unknown_comes_back_unknown():
    terms = resolve_terms(pvp.Scenario(), None)
    again = from_bytes(to_bytes(terms))
    assert np.isnan(again.prices.export).all()
    assert np.isnan(again.prices.self_use)
    assert again.taxes.vat_free.dtype == bool
    assert to_bytes(again) == to_bytes(terms)


def test_province_stated_equals_province_found(village, base):
    found = pvp.plan_village(village.override({"site.province": None}))
    assert found.place == base.place
    assert found.place.rural_income == 45_487
    for name, table in base.tables():
        assert to_bytes(table.reset_index()) == to_bytes(dict(found.tables())[name].reset_index())
    assert to_bytes(found.terms) == to_bytes(base.terms)
    assert {f.code for f in found.findings} - {f.code for f in base.findings} == {"province_found"}


# --- the store ----------------------------------------------------------------------------------


def test_a_second_plan_takes_everything_from_the_store(village, tmp_path):
    one = pvp.plan_village(village, store=tmp_path / "store")
    assert one.ran
    assert not one.reused
    two = pvp.plan_village(village, store=tmp_path / "store")
    assert not two.ran
    assert to_bytes(one.households) == to_bytes(two.households)
    dearer = pvp.plan_village(
        village.override({"finance.capex_per_w": 4.0}), store=tmp_path / "store"
    )
    assert "energy" not in dearer.ran
    assert "terms" in dearer.ran


def test_the_store_is_private_ignored_and_heals_itself(village, tmp_path):
    store = tmp_path / "store"
    first = pvp.plan_village(village, store=store)
    assert store.stat().st_mode & 0o777 == 0o700
    assert (store / ".gitignore").read_text() == "*\n"
    for path in (store / "objects").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    for path in list((store / "traces").iterdir())[:3]:
        path.write_text("{")
    again = pvp.plan_village(village, store=store)
    assert to_bytes(again.households) == to_bytes(first.households)
    assert again.ran


def test_the_store_keeps_to_its_size_oldest_out(tmp_path):
    store = FolderStore(tmp_path)
    bodies = {f"k{n}": bytes([n]) * 1000 for n in range(5)}
    for n, (key, body) in enumerate(bodies.items()):
        from pvplanner.plan.store import Trace

        store.keep(key, Trace(f"hash{n}"), body, None)
        os.utime(tmp_path / "objects" / f"hash{n}", (n, n))
    FolderStore(tmp_path).tidy(limit=2500)
    assert sorted(p.name for p in (tmp_path / "objects").iterdir()) == ["hash3", "hash4"]
    assert sorted(p.stem for p in (tmp_path / "traces").iterdir()) == ["k3", "k4"]


def test_inputs_count_by_content_with_all_that_belongs_to_them(tmp_path):
    for suffix in ("shp", "dbf", "shx"):
        (tmp_path / f"v.{suffix}").write_text("a")
    vrt = '<VRT><SourceFilename relativeToVRT="1">part.tif</SourceFilename></VRT>'
    (tmp_path / "all.vrt").write_text(vrt)
    (tmp_path / "part.tif").write_text("a")
    before = [FileHashes().of(tmp_path / name) for name in ("v.shp", "all.vrt")]
    (tmp_path / "v.dbf").write_text("b")
    (tmp_path / "part.tif").write_text("b")
    after = [FileHashes().of(tmp_path / name) for name in ("v.shp", "all.vrt")]
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_hashes_are_remembered_by_size_and_time(tmp_path, monkeypatch):
    file, memory = tmp_path / "in.csv", tmp_path / "files.json"
    file.write_text("a")
    os.utime(file, (1_000_000, 1_000_000))
    hashes = FileHashes(memory)
    found = hashes.of(file)
    hashes.save()
    from pvplanner.plan import store

    monkeypatch.setattr(store, "hash_bytes_of", lambda path: pytest.fail("read again"))
    assert FileHashes(memory).of(file) == found


def test_a_saved_plan_stands_alone(village, base, tmp_path):
    copy = tmp_path / "inputs"
    shutil.copytree(os.path.dirname(village.site.buildings), copy)
    scenario = pvp.Scenario.from_toml(copy / "scenario.toml")
    pvp.plan_village(scenario).save(tmp_path / "plan")
    shutil.rmtree(copy)
    saved = pvp.Plan.load(tmp_path / "plan")
    assert saved.ran == ()
    for name, table in base.tables():
        mine = dict(saved.tables())[name]
        assert list(mine.columns) == list(table.columns), name
    assert to_bytes(saved.cash_flows()) == to_bytes(base.cash_flows())
    assert saved.dossier("H1") == base.dossier("H1")
    assert render_report(saved, "en", internal=True) == render_report(base, "en", internal=True)
    # Money needs no file; a key that does names the one that is not there.
    dearer = saved.under({"finance.capex_per_w": 3.3})
    theirs = base.under({"finance.capex_per_w": 3.3})
    assert to_bytes(dearer.villages) == to_bytes(theirs.villages)
    with pytest.raises(pvp.InputError, match=r"dsm\.tif"):
        _ = saved.under({"roof.rules": {"setback_eave": 0.7}}).villages


# --- killed anywhere ----------------------------------------------------------------------------

KILLER = """
import os, signal, sys
from pvplanner.plan import commit, folder, runner, store
left = int(sys.argv[1])
def count():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
make = runner.Run._make
def dying(self, name):
    count()
    make(self, name)
    count()
runner.Run._make = dying
replace, rename = os.replace, os.rename
def moving(*a, **k):
    count()
    return replace(*a, **k)
os.replace = moving
sys.argv = ["pvplanner", *sys.argv[2:]]
from pvplanner.cli import main
main()
"""


def killed(at, *words):
    return subprocess.run([sys.executable, "-c", KILLER, str(at), *map(str, words)],
                          capture_output=True, text=True, check=False)  # fmt: skip


def contents(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
        if p.is_file() and ".pvplanner" not in p.parts
    }  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A scenario, and the folders of a plan of it as it was and as it is to become."""
    place = tmp_path_factory.mktemp("small")
    village = frame([box(30 * n, 0, 12, 9) for n in range(3)])
    scenario = write_village(place, village, 'province = "Zhejiang"\n')
    for name, words in (("right", CHANGE), ("old", ())):
        done = killed(10**9, "plan", scenario, "--out", place / name, *words)
        assert done.returncode == 0, done.stderr
    return place


CHANGE = ("--set", "finance.capex_per_w=3.4", "--set", "module.gap_m=0.03")


def traces(out):
    found = (out / ".pvplanner" / "traces").glob("*.json")
    return {p.name: p.stat().st_ino for p in found}


def check_killed(small, out, at):
    """Kill a run at its n-th step; the next one finishes. Whether it was killed at all."""
    words = ("plan", small / "scenario.toml", "--out", out, *CHANGE)
    first = killed(at, *words)
    done = traces(out)
    again = killed(10**9, *words)
    assert again.returncode == 0, again.stderr
    assert contents(out) == contents(small / "right")
    odd = ("*.part", ".pvplanner-staging*", ".pvplanner-commit")
    assert not [p for pattern in odd for p in out.rglob(pattern)]
    # A finished stage was not done again: it would have written its trace anew.
    after = traces(out)
    assert {name: after[name] for name in done} == done
    return first.returncode == -9


@pytest.mark.long
@pytest.mark.parametrize("at", [70, 140])
def test_a_killed_run_is_finished_by_the_next(small, at):
    assert check_killed(small, small / f"new{at}", at)


@pytest.mark.parametrize("at", [30, 60])
@pytest.mark.long
def test_a_killed_run_into_an_old_folder_is_finished_by_the_next(small, at):
    shutil.copytree(small / "old", small / f"old{at}")
    assert check_killed(small, small / f"old{at}", at)


@pytest.mark.long
@pytest.mark.parametrize("old", [False, True])
def test_a_run_killed_anywhere_is_finished_by_the_next(small, old):
    at, died = 0, True
    while died:
        out = small / f"anywhere{old}{at}"
        if old:
            shutil.copytree(small / "old", out)
        died = check_killed(small, out, at)
        shutil.rmtree(out)
        at += 1
    assert at > 100


def test_a_half_commit_does_not_lock_its_folder(small):
    out = small / "half"
    shutil.copytree(small / "right", out)
    commit = out / ".pvplanner-commit"
    commit.mkdir()
    for name in ("summary.json", "scenario.toml"):
        os.replace(out / name, commit / name)
    (out / ".pvplanner-staging-999999-abc").mkdir()
    shutil.rmtree(out / ".pvplanner")
    done = killed(10**9, "plan", small / "scenario.toml", "--out", out, *CHANGE)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(small / "right")
