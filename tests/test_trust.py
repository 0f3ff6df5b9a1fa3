"""What is possible and unusual is asked about: units that slip, keys that do nothing, results."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from helps import rows_of
from hypothesis import given
from hypothesis import strategies as st
from villages import box, frame, hamlet, write_village

import pvplanner as pvp
from pvplanner.buildings.attributes import NUMBERS
from pvplanner.buildings.ledger import DIMENSIONS
from pvplanner.holdings.sanity import RESTS_ON, odd_figures
from pvplanner.reading.odd import odd_column
from pvplanner.reference.ranges import Range, in_currency, ranges, slip_word, slipped
from pvplanner.report import render_report
from pvplanner.scenario.doubts import idle_keys, key_findings
from pvplanner.scenario.frozen import _types_in

ASKED = ("key_slipped", "key_implausible")

SLIPS = {
    "finance.capex_per_w": [(3000, "per_kw", 3), (300, "fen", 3), (0.3, "wan_per_kw", 3)],
    "finance.opex_per_w_year": [(40, "per_kw", 0.04), (4, "fen", 0.04)],
    "finance.insurance_per_w_year": [(10, "per_kw", 0.01)],
    "finance.inverter_cost_per_w": [(250, "per_kw", 0.25), (25, "fen", 0.25)],
    "finance.degradation_per_year": [(0.4, "percent", 0.004), (0.996, "complement", 0.004)],
    "finance.degradation_first_year": [(0.99, "complement", 0.01)],
    "finance.cost_growth": [(0.2, "percent", 0.002)],
    "finance.rural_income_per_head": [(4.2, "wan", 42000), (42, "thousand", 42000)],
    "finance.vat_free_per_month": [(10, "wan", 100000)],
    "finance.rent": [(3500, "fen", 35)],
    "system.losses": [(0.86, "complement", 0.14)],
    "system.loss_items.wiring": [(0.98, "complement", 0.02)],
    "system.loss_items.availability": [(0.97, "complement", 0.03)],
    "tariff.export_price": [(41.53, "fen", 0.4153), (415.3, "per_mwh", 0.4153)],
    "tariff.self_use_price": [(53.8, "fen", 0.538), (538, "per_mwh", 0.538)],
    "tariff.market_price": [(25, "fen", 0.25), (250, "per_mwh", 0.25)],
    "tariff.mechanism_bid": [(39.29, "fen", 0.3929)],
    "tariff.subsidy_per_kwh": [(10, "fen", 0.1)],
    "module.row_spacing_m": [(3000, "mm", 3), (300, "cm", 3)],
    "module.height_limit_m": [(1800, "mm", 1.8), (180, "cm", 1.8)],
    "module.building_limit_kwp": [(30000, "watt", 30)],
    "module.household_limit_kwp": [(20000, "watt", 20)],
    "module.connection_limit_kw": [(8000, "watt", 8)],
    "system.single_phase_limit_kw": [(8000, "watt", 8)],
    "demand.battery_kwh": [(10000, "wh", 10)],
    "cooperative.free_kwh_per_month": [(180, "year", 15)],
    "cooperative.grant": [(90_000_000, "fen", 900_000)],
    "developer.discount": [(0.9, "complement", 0.1)],
    "carbon.embodied_kg_per_kwp": [(1.2, "tonne", 1200)],
    "loan.years": [(36, "months", 3)],
    "finance.life_years": [(1, None, None)],
    "grid.curtailment": [(0.95, "complement", 0.05)],
}
"""Values as they are entered under another unit, the slip, and what is meant."""

CASES = [(key, *told) for key, every in SLIPS.items() for told in every]


def found(key: str, value) -> list:
    return [f for f in key_findings(pvp.Scenario().override({key: value})) if f.where == key]


@pytest.mark.parametrize(("key", "value", "slip", "meant"), CASES)
def test_a_slip_of_the_unit_is_asked_about(key, value, slip, meant):
    (asked,) = [f for f in found(key, value) if f.code in ASKED]
    assert asked.doubtful
    assert asked.params["source"]
    if slip is None:
        assert asked.code == "key_implausible"
        return
    assert asked.params["slip"] == f"slip_{slip}"
    assert float(asked.params["meant"].split(" ")[0]) == pytest.approx(meant)
    for language in ("en", "zh"):
        said = asked.text(language)
        assert asked.params["value"].split(" ")[0] in said
        assert "slip_" not in said
        assert "?" not in said.replace("?", "", 1) or language == "zh"


def test_there_are_forty_slips():
    assert len(CASES) >= 40


SOUND = [
    *({"finance.model": model, "site.province": place} for model in (
        "self_invest", "self_use", "roof_lease", "cooperative", "developer")
      for place in ("Zhejiang", "Shandong", "Sichuan")),
    {"finance.currency": "EUR", "finance.capex_per_w": 1.3, "finance.opex_per_w_year": 0.02,
     "tariff.export_price": 0.08, "tariff.self_use_price": 0.3},
    {"finance.currency": "USD", "finance.capex_per_w": 2.8, "finance.opex_per_w_year": 0.025,
     "tariff.export_price": 0.11, "tariff.self_use_price": 0.17},
    {"finance.capex_per_w": 2.6, "loan.share": 0.7, "loan.rate": 0.035, "loan.years": 15},
    {"finance.model": "cooperative", "cooperative.grant": 3e6, "cooperative.low_income_share": 0.3},
    {"system.losses": 0.12, "tariff.time_of_use": True, "tariff.peak_hours": [7, 21]},
]  # fmt: skip


@pytest.mark.parametrize("changes", SOUND)
def test_sound_scenarios_are_asked_nothing(changes):
    assert key_findings(pvp.Scenario().override(changes)) == []


def numeric_keys():
    """Every key of a scenario that takes a number."""

    def walk(path, model):
        for name, field in model.model_fields.items():
            kinds = _types_in(field.annotation)
            inner = [k for k in kinds if hasattr(k, "model_fields")]
            if inner:
                yield from walk(f"{path}{name}.", inner[0])
            elif kinds & {int, float}:
                yield f"{path}{name}"

    return list(walk("", pvp.Scenario))


NO_QUANTITY = {"weather.seed", "doubt.draws", "doubt.seed", "tariff.peak_hours"}
"""Numbers that name something, and hours of a day, of which all are usual."""

BY_PART = {"roof.rules", "installation.rules", "finance.rent"}
"""What is usual hangs on the rule, and on what rent is paid for."""


def test_every_number_has_a_usual_range_with_its_source():
    missing = [k for k in numeric_keys() if k not in ranges() and k not in NO_QUANTITY | BY_PART]
    assert missing == []
    units = {row["key"]: row["unit"] for row in rows_of("schema/keys.csv")}
    for row in rows_of("reference/plausible.csv"):
        assert float(row["low"]) < float(row["high"])
        assert row["source"], row["measure"]
        assert row["year"], row["measure"]
        assert row["certainty"], row["measure"]
        if row["measure"] in units:
            assert units[row["measure"]].replace("1/yr", "") == row["unit"].replace("1/yr", ""), (
                row["measure"]
            )


def test_every_default_is_usual():
    usual = pvp.Scenario()
    for key in numeric_keys():
        value = usual
        if key in NO_QUANTITY | BY_PART or key.startswith(("finance.events", "press")):
            continue
        for name in key.split("."):
            value = getattr(value, name)
        values = list(value.values()) if isinstance(value, dict) else value
        for one in values if isinstance(values, list) else [values]:
            assert one in (None, 0) or isinstance(one, str) or ranges()[key].holds(one), key


def test_every_numeric_column_has_a_usual_range():
    assert {f"buildings.{name}" for name in NUMBERS} <= set(ranges())
    assert {f"households.{name}" for name in DIMENSIONS} <= set(ranges())
    assert "meter_kwh_day" in ranges()


@given(st.floats(1e-4, 1e4), st.sampled_from(sorted(ranges())))
def test_what_is_meant_is_always_usual(value, key):
    usual = ranges()[key]
    told = slipped(value, usual)
    if told is not None:
        assert usual.holds(told[1])
        assert slip_word(value, usual) == f"slip_{told[0]}"


def test_a_slip_that_leads_nowhere_is_none():
    usual = Range(1.0, 2.0, "money/W", "x")
    assert slipped(7.0, usual) is None
    assert slip_word(7.0, usual) == "slip_unsure"
    assert slipped(0.0, usual) is None
    assert slipped(1500.0, usual) == ("per_kw", 1.5)
    # Where two slips lead into the range, the one nearer to its middle is asked about.
    assert slipped(190.0, Range(0.01, 100.0, "money/W", "x"))[0] == "fen"


def test_what_is_left_is_meant_from_a_half_on():
    usual = Range(0.0, 0.6, "1", "x")
    # At a half both readings are inside; from there on it is what is left.
    assert slipped(0.5, Range(0.0, 0.501, "1", "x")) is not None
    assert slipped(0.61, usual) == ("complement", pytest.approx(0.39))
    assert slipped(0.49, Range(0.0, 0.48, "1", "x"))[0] == "percent"
    # Of two that lead inside, the nearer to the middle: here a hundredth, not a thousandth.
    assert slipped(400.0, Range(0.3, 30.0, "money/W", "x"))[0] == "fen"
    assert slipped(1.0, Range(1.5, 2.5, "1", "x")) is None
    # What would be nothing is no meaning.
    assert slipped(1.0, Range(0.0, 0.5, "1", "x")) == ("percent", 0.01)
    assert Range(1.0, 2.0, "m", "x").scaled(3.0, 5.0) == Range(3.0, 10.0, "m", "x")
    with pytest.raises(AttributeError):
        usual.low = 1.0


def test_ranges_of_rules():
    from pvplanner.scenario.doubts import RULE_SPREAD, rule_range

    eaves = rule_range("setback_eave")
    assert RULE_SPREAD == 6.0
    assert (eaves.low, eaves.high) == pytest.approx((0.2 / 6, 0.5 * 6))
    assert rule_range("unseen").high == pytest.approx(0.6)
    assert rule_range("confidence_min").high == 1.0
    assert rule_range("confidence_min").low == pytest.approx(0.25 / 6)
    assert rule_range("no rule") is None


def test_money_of_another_currency():
    usual = Range(2.0, 8.0, "money/W", "x")
    assert in_currency(usual, "CNY") is usual
    assert in_currency(usual, "EUR") == Range(0.2, 8.0, "money/W", "x")
    assert in_currency(usual, "JPY") is None
    assert in_currency(Range(0, 1, "m", "x"), "JPY") == Range(0, 1, "m", "x")
    assert found("finance.capex_per_w", 3.0) == []
    yen = pvp.Scenario().override({"finance.currency": "JPY", "finance.capex_per_w": 250_000})
    assert key_findings(yen) == []


@pytest.mark.parametrize(
    ("basis", "calm", "odd"),
    [("module", 35, 3500), ("m2", 10, 900), ("kwp", 60, 6000), ("lump", 800, 8)],
)
def test_rent_goes_by_what_it_is_paid_for(basis, calm, odd):
    for value, asked in ((calm, 0), (odd, 1), (0, 0)):
        made = pvp.Scenario().override({"finance.rent_basis": basis, "finance.rent": value})
        assert len([f for f in key_findings(made) if f.where == "finance.rent"]) == asked


@pytest.mark.parametrize(
    ("rule", "calm", "odd", "slip"),
    [
        ("setback_eave", 0.4, 400, "slip_mm"),
        ("tilt_max", 45.0, 1.05, "slip_rad"),
        ("unseen", 0.2, 5.0, "slip_percent"),
        ("confidence_min", 0.3, 20, "slip_percent"),
    ],
)
def test_rules_of_usable_area_go_by_the_packaged_ones(rule, calm, odd, slip):
    assert found("roof.rules", {rule: calm}) == []
    assert found("roof.rules", {rule: 0}) == []
    (asked,) = found("roof.rules", {rule: odd})
    assert asked.params["slip"] == slip


def test_rules_of_an_installer_go_by_the_packaged_ones():
    assert found("installation.rules", {"hook_spacing_m": 0.8, "rails_per_row": 3}) == []
    (asked,) = found("installation.rules", {"hook_spacing_m": 1200})
    assert asked.params["slip"] == "slip_mm"
    assert found("installation.rules", {"rails_per_row": 40})


def test_nothing_is_what_was_meant_except_where_it_can_not_be():
    for key in ("finance.opex_per_w_year", "finance.rent", "roof.tilt", "demand.battery_kwh"):
        assert found(key, {"gable": 0} if key == "roof.tilt" else 0) == []
    assert found("finance.capex_per_w", 0)


def test_lists_and_tables_are_looked_at_one_by_one():
    (asked,) = found("tariff.market_path_prices", [0.2] * 24 + [25.0])
    assert asked.params["meant"] == "0.25 CNY/kWh"
    assert found("system.loss_items.soiling", [0.02] * 11 + [0.97])[0].params["slip"]
    assert found("roof.tilt", {"gable": 70.0})[0].code == "key_implausible"
    event = {"kind": "outage", "year": 3, "cost_per_w": 500.0}
    (asked,) = key_findings(pvp.Scenario().override({"finance.events": [event]}))
    assert asked.where == "finance.events.cost_per_w"


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"weather.latitude": 30.0}, "weather.latitude"),
     ({"tariff.peak_hours": [7, 21]}, "tariff.peak_hours"),
     ({"loan.rate": 0.05}, "loan.rate"), ({"carbon.claim_price": 5.0}, "carbon.claim_price"),
     ({"tariff.export_price": 0.4, "tariff.market_path": "low"}, "tariff.market_path"),
     ({"system.losses": 0.14, "system.loss_items.snow": 0.1}, "system.loss_items.snow"),
     ({"demand.battery_kw": 3.0}, "demand.battery_kw"), ({"doubt.seed": 4}, "doubt.seed"),
     ({"site.height_unit": "ft"}, "site.height_unit"),
     ({"module.flat_layout": "canopy", "module.flat_tilt": 20.0}, "module.flat_tilt")],
)  # fmt: skip
def test_a_key_without_effect_says_so(changes, key):
    (told,) = [f for f in idle_keys(pvp.Scenario().override(changes)) if f.where == key]
    assert not told.doubtful
    assert told.code in ("key_idle", "key_gone")
    assert "?" not in told.text("en")
    assert told.text("zh")


def test_a_key_with_effect_does_not():
    busy = {
        "tariff.time_of_use": True, "tariff.peak_hours": [7, 21], "loan.share": 0.5,
        "loan.rate": 0.05, "demand.battery_kwh": 5.0, "demand.battery_kw": 3.0,
    }  # fmt: skip
    assert idle_keys(pvp.Scenario().override(busy)) == []
    assert idle_keys(pvp.Scenario()) == []


@pytest.mark.parametrize(
    ("event", "code"),
    [({"year": 3}, ["event_idle"]), ({"year": 3, "insured": 0.8}, ["event_idle"]),
     ({"year": 26, "cost_per_w": 0.5}, ["event_late"]), ({"year": 25, "cost_per_w": 0.5}, []),
     ({"year": 3, "outage_months": 2.0}, [])],
)  # fmt: skip
def test_an_event_that_changes_nothing_says_so(event, code):
    terms = {"finance.events": [{"kind": "typhoon", **event}], "finance.life_years": 25}
    told = key_findings(pvp.Scenario().override(terms))
    assert [f.code for f in told] == code
    for finding in told:
        assert f"Typhoon in year {event['year']}" in finding.text("en")
        assert "台风" in finding.text("zh")


IDLE = [(row["key"], row["when"], row["is"]) for row in rows_of("schema/idle.csv") if row["when"]]


def test_idle_rows_name_keys_that_there_are():
    known = {row["key"] for row in rows_of("schema/keys.csv")}
    for key, when, _ in IDLE:
        assert key in known
        assert set(when.split()) <= known


# --- types --------------------------------------------------------------------------------------
WRONG = [
    ("finance.life_years", True), ("finance.capex_per_w", True), ("tariff.connection_date", 0),
    ("tariff.connection_date", 1.5), ("finance.capex_per_w", "3.0"), ("finance.life_years", "25"),
    ("finance.lease_renewed", 1), ("finance.lease_renewed", "yes"), ("site.synthetic", 0),
    ("roof.tilt", {"gable": True}), ("tariff.market_hourly", [True] * 24),
    ("system.loss_items.soiling", True), ("name", 5), ("name", True), ("loan.share", False),
    ("finance.currency", ""), ("finance.currency", "yuan"), ("finance.model", "each"),
    ("name", "\u200b\u202e"), ("site.buildings", "a\0b.gpkg"),
    ("weather.sun_offset_minutes", "30"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_another_type_is_refused_by_key(key, value):
    with pytest.raises(pvp.ConfigError) as found:
        pvp.Scenario().override({key: value})
    assert found.value.where == key
    assert found.value.text("zh") != found.value.text("en")


def test_right_types_are_taken():
    made = pvp.Scenario().override(
        {"finance.life_years": 25.0, "finance.capex_per_w": 3,
         "tariff.connection_date": "2026-01-02", "weather.sun_offset_minutes": 30,
         "demand.profile": [1] * 24, "roof.tilt": {"gable": 20}}
    )  # fmt: skip
    assert made.finance.life_years == 25
    assert made.tariff.connection_date == dt.date(2026, 1, 2)


BAD = [-1, -1e9, 1e9, 1e300, float("nan"), float("inf"), "x", "", True, [], {}, [1.0], None, "1e3"]


def tried(key: str, value):
    try:
        return pvp.Scenario().override({key: value}), None
    except pvp.ConfigError as error:
        return None, error


@pytest.mark.parametrize("key", numeric_keys())
def test_no_value_is_taken_calmly(key):
    """Whatever stands in a key is refused by its name, asked about, usual, or its default."""
    if key.startswith(("finance.events.", "press.")) or key in BY_PART:
        return
    for value in BAD:
        made, refused = tried(key, value)
        if made is None:
            assert refused.where.startswith(key.rpartition(".")[0]) or refused.where == "scenario"
            assert refused.text("zh")
            continue
        if value is None or key in NO_QUANTITY or not isinstance(value, int | float | list):
            assert value in ({}, [], None, "") or key in NO_QUANTITY, (key, value)
            continue
        values = value if isinstance(value, list) else [value]
        asked = {f.where for f in key_findings(made) if f.code in ASKED}
        assert key in asked or all(ranges()[key].holds(v) for v in values), (key, value)


# --- columns ------------------------------------------------------------------------------------
def test_a_column_of_another_unit_is_asked_about():
    values = pd.Series(
        [12000.0, 9000.0, 15000.0, np.nan, 0.0], name="height_m", index=[3, 5, 6, 7, 9]
    )
    (asked,) = odd_column(values, "buildings", "f.xlsx", first_row=2)
    assert asked.code == "column_slipped"
    assert asked.params["slip"] == "slip_mm"
    assert asked.params["rows"] == "5, 7, 8"
    assert asked.count == 3
    (lone,) = odd_column(pd.Series([3.0, 4.0, 99.0], name="floors"), "buildings", "f")
    assert (lone.code, lone.params["values"], lone.params["rows"]) == ("column_odd", "99", "2")
    assert odd_column(pd.Series([3.0, 4.0, np.nan, 0.0], name="floors"), "buildings", "f") == []


@pytest.mark.parametrize(("column", "values", "slip"), [
    ("existing_kwp", [5000.0, 8000.0, 6000.0], "slip_watt"),
    ("obstacle_area_m2", [50_000.0, 40_000.0, 60_000.0], "slip_cm2"),
])  # fmt: skip
def test_footprints_of_another_unit(tmp_path, column, values, slip):
    frame([box(30 * n, 0, 12, 9) for n in range(3)], **{column: values}).to_file(
        tmp_path / "f.gpkg", engine="pyogrio"
    )
    asked = [f for f in pvp.buildings.findings_of(pvp.read_buildings(tmp_path / "f.gpkg"))
             if f.code.startswith("column_") and f.params.get("column") == column]  # fmt: skip
    assert [f.params.get("slip") for f in asked] == [slip]


def test_floors_that_are_heights_and_what_no_roof_holds(tmp_path):
    told = {"floors": [7.4, 2.0, 2.5], "existing_kwp": [0.0, 90.0, 8.0],
            "obstacle_area_m2": [5.0, 4.0, 250.0]}  # fmt: skip
    frame([box(30 * n, 0, 12, 9) for n in range(3)], **told).to_file(
        tmp_path / "f.gpkg", engine="pyogrio"
    )
    asked = pvp.buildings.findings_of(pvp.read_buildings(tmp_path / "f.gpkg"))
    by = {(f.code, f.params.get("column", "")): f for f in asked}
    assert by["floors_broken", ""].params["values"] == "7.4"
    assert by["over_roof", "existing_kwp"].params["values"] == "B2: 90"
    assert by["over_roof", "obstacle_area_m2"].params["values"] == "B3: 250"


LEDGERS = [
    ("年用电量", [0.24, 0.3, 0.2, 0.25, 0.31], "slip_wan_kwh"),
    ("年用电量", [210, 190, 250, 180, 240], "slip_month"),
    ("年用电量", [7, 8, 9, 6, 7], "slip_day"),
    ("年用电量", [2.4e6, 2.2e6, 2.6e6, 3e6, 2e6], "slip_wh"),
]


@pytest.mark.parametrize(("heading", "values", "slip"), LEDGERS)
def test_use_of_another_unit_is_asked_about(tmp_path, heading, values, slip):
    path = tmp_path / "l.csv"
    rows = "\n".join(f"H{n},B{n},{v}" for n, v in enumerate(values))
    path.write_text(f"户号,建筑编号,{heading}\n{rows}\n", encoding="utf-8")
    told, _ = pvp.buildings.read_households(path)
    (asked,) = [f for f in told.attrs["findings"] if f.code == "ledger_use_odd"]
    assert asked.params["slip"] == slip


# --- results ------------------------------------------------------------------------------------
SOUND_FIGURES = {
    "capacity_kwp": 120.0,
    "specific_yield_over_light": 0.75, "light_over_typical": 1.0, "income_per_kwh": 0.35,
    "kwp_per_household": 12.0, "used_at_home": 0.25, "payback_years": 9.0, "lcoe": 0.3,
}  # fmt: skip


def test_figures_of_a_village_by_hand():
    from pvplanner.holdings.sanity import FEW, whole_figures

    arrays = pd.DataFrame({"capacity_kwp": [40.0, 10.0]})
    energy = pd.DataFrame({"energy_kwh": [40_000.0, 10_000.0]})
    homes = pd.DataFrame({
        "capacity_kwp": [10.0, 10.0, 10.0, 10.0, 10.0, 0.0], "own_building": [False] * 6,
        "energy_first_year_kwh": [10_000.0] * 5 + [0.0], "self_used_kwh": [2_000.0] * 5 + [9.0],
        "income_first_year": [4_000.0] * 5 + [7_000.0], "own_use": [True] * 6,
        "payback_years": [7.0, 8.0, 9.0, 10.0, 11.0, 1.0], "lcoe": [0.3] * 5 + [9.0],
    })  # fmt: skip
    told = whole_figures(energy, arrays, homes, 1250.0, 1.1)
    assert told == pytest.approx({
        "capacity_kwp": 50.0, "specific_yield_over_light": 0.8, "light_over_typical": 1.1,
        "income_per_kwh": 0.4, "kwp_per_household": 10.0, "used_at_home": 0.2,
        "payback_years": 9.0, "lcoe": 0.3,
    })  # fmt: skip
    # Medians and own use of four say nothing; an unknown income is not the others' sum.
    assert FEW == 5
    four = whole_figures(energy, arrays, homes.iloc[1:], 1250.0, 1.1)
    assert np.isnan([four[k] for k in ("used_at_home", "payback_years", "lcoe",
                                       "kwp_per_household")]).all()  # fmt: skip
    homes.loc[0, "income_first_year"] = np.nan
    assert np.isnan(whole_figures(energy, arrays, homes, 1250.0, 1.1)["income_per_kwh"])
    none = whole_figures(energy.iloc[:0], arrays.iloc[:0], homes.iloc[5:], 1250.0, 1.1)
    assert none["capacity_kwp"] == 0
    assert np.isnan(none["specific_yield_over_light"])
    # A roof that was let to a developer is no household of its own.
    halls = homes.assign(own_building=True)
    assert np.isnan(whole_figures(energy, arrays, halls, 1250.0, 1.1)["kwp_per_household"])


def test_sound_figures_are_asked_nothing():
    assert odd_figures(SOUND_FIGURES, "CNY") == []
    assert odd_figures(dict.fromkeys(SOUND_FIGURES, np.nan), "CNY") == []
    assert set(SOUND_FIGURES) == {*RESTS_ON, "capacity_kwp"}
    (nothing,) = odd_figures({**SOUND_FIGURES, "capacity_kwp": 0.0}, "CNY")
    assert nothing.code == "result_nothing"
    assert nothing.doubtful
    # Debt service may leave less than nothing.
    assert odd_figures({**SOUND_FIGURES, "income_per_kwh": -0.2}, "CNY") == []


@pytest.mark.parametrize(("measure", "value"), [
    ("specific_yield_over_light", 1.5), ("specific_yield_over_light", 0.2),
    ("light_over_typical", 1.6), ("income_per_kwh", 40.0), ("kwp_per_household", 400.0),
    ("used_at_home", 0.99), ("payback_years", 0.4), ("lcoe", 30.0),
])  # fmt: skip
def test_figures_beyond_what_is_known_are_asked_about(measure, value):
    (asked,) = odd_figures({**SOUND_FIGURES, measure: value}, "CNY")
    assert asked.doubtful
    assert asked.where == measure
    assert RESTS_ON[measure] in asked.text("en")
    assert asked.text("zh")


def test_questions_stand_at_the_head_of_every_page(tmp_path):
    path = write_village(tmp_path, hamlet(), "")
    plan = pvp.plan_village(
        pvp.Scenario.from_toml(path).override(
            {"finance.capex_per_w": 3000, "tariff.export_price": 41.53}
        )
    )
    doubts = [f for f in plan.findings if f.doubtful]
    assert {"finance.capex_per_w", "tariff.export_price", "lcoe", "income_per_kwh"} <= {
        f.where for f in doubts
    }
    assert list(plan.findings[: len(doubts)]) == doubts
    page = render_report(plan, "en", internal=False)
    head = page[: page.index('<h2 id="totals">')]
    assert "was it stated per kW?" in head
    assert "was it stated in fen?" in head
