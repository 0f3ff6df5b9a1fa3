"""The map's three totals, phases, transformers and reasons, in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from test_map import CELLS, CHANGED, RECKON, assert_money, of_model, open_page
from villages import ONE, village

import pvplanner as pvp
from pvplanner.words import label, reason_of, style

pytestmark = pytest.mark.browser
THREE = """() => Object.fromEntries([...document.querySelectorAll('#three-totals tr')].map(
  r => [r.getAttribute('data-three'), r.children[1].textContent]))"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    grid = "transformer_id,parent,kva,longitude,latitude,open_kw\n"
    grid += "T1,L1,60,120.279,29.7099,\nL1,,,,,100\n"
    scenario = village(folder, grid)
    return pvp.plan_village(scenario)


@pytest.fixture(scope="module")
def chosen(plan):
    return plan.select(budget=45_000.0, phases=2)


def test_three_totals_stand_at_the_head(page, plan, chosen, tmp_path):
    for made in (plan, chosen):
        open_page(page, pvp.save_map(made, tmp_path / "map.html", "en"))
        told = page.evaluate(THREE)
        whole = made.result("totals").iloc[0]
        assert f"{whole['fits_kwp']:,.0f} kWp" in told["total_fits"]
        assert f"{whole['connectable_kw']:,.0f} kW AC" in told["total_may"]
        assert f"{whole['phase_kw']:,.0f} kW AC" in told["total_phase"]
        assert ("total_plan" in told) == (made is chosen)
    assert f"{whole['plan_kw']:,.0f} kW AC" in told["total_plan"]
    assert page.complaints == []


def test_without_a_grid_it_says_that_nothing_was_checked(page, tmp_path):
    made = pvp.plan_village(village(tmp_path))
    open_page(page, pvp.save_map(made, tmp_path / "map.html", "zh"))
    assert page.evaluate(THREE)["total_may"] == label("total_unchecked", "zh")
    head = page.locator("#notes").inner_text()
    assert head.startswith(label("grid_unchecked_note", "zh"))
    assert page.locator("#phase-slider, #show-transformers").count() == 0


def test_a_slider_over_phases_filters_roofs_and_totals(page, chosen, tmp_path):
    open_page(page, pvp.save_map(chosen, tmp_path / "map.html", "en"))
    page.evaluate(
        "() => { const s = document.getElementById('phase-slider'); s.value = 1;"
        "s.dispatchEvent(new Event('input')); }"
    )
    first = chosen.selection.loc[chosen.selection["phase"] == 1, "household_id"]
    homes = chosen.households.set_index("household_id")
    told = page.evaluate("pvplanner.totals()")
    assert told["energy_kwh"] == pytest.approx(homes.loc[first, "energy_kwh"].sum(), abs=1)
    assert page.evaluate("pvplanner.state.filters.length") == 1
    page.evaluate(
        "() => { const s = document.getElementById('phase-slider'); s.value = 2;"
        "s.dispatchEvent(new Event('input')); }"
    )
    assert page.evaluate("pvplanner.state.filters.length") == 0
    assert page.complaints == []


def test_what_the_list_hangs_on_stands_beside_the_slider(page, chosen, tmp_path):
    open_page(page, pvp.save_map(chosen, tmp_path / "map.html", "en"))
    rows = page.evaluate(CELLS, "hangs-on")[1:]
    facts = chosen.programme
    held = facts[facts["kind"] == "hangs_on"].pivot(index="name", columns="measure", values="value")
    assert {r[0] for r in rows} == {label(f"varied_{n}", "en") for n in held.index}
    told = {r[0]: [float(c) for c in r[1:]] for r in rows}
    for name, own in held.iterrows():
        want = own[["entered", "left", "moved", "households"]].tolist()
        assert told[label(f"varied_{name}", "en")] == want


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_card_says_why_its_roof_has_its_phase(page, chosen, tmp_path, language):
    open_page(page, pvp.save_map(chosen, tmp_path / "map.html", language))
    for row in chosen.selection.itertuples():
        page.evaluate("id => pvplanner.choose(id)", f"B{row.household_id[1:]}")
        phase = 0 if np.isnan(row.phase) else int(row.phase)
        want = reason_of(row.limits.split(), phase, language, public=True)
        told = page.locator("#card-reason[data-why]").inner_text()
        built = chosen.buildings.set_index("building_id")["modules"][f"B{row.household_id[1:]}"] > 0
        colon = style(language)["colon"]
        assert told == (want if built else label("no_modules_here", language) + colon + want)


def test_transformers_are_drawn_with_their_roofs(page, chosen, tmp_path):
    open_page(page, pvp.save_map(chosen, tmp_path / "map.html", "en"))
    told = page.evaluate("pvplanner.data.transformers")
    assert [t["id"] for t in told] == ["T1"]
    assert told[0]["at"] == pytest.approx([120.279, 29.7099], abs=1e-5)
    before = page.evaluate("document.querySelectorAll('canvas.roofs')[1].toDataURL()")
    page.check("#show-transformers")
    assert page.evaluate("document.querySelectorAll('canvas.roofs')[1].toDataURL()") != before
    assert page.complaints == []


def test_roofs_that_nobody_chose_carry_no_modules_on_the_map(page, plan, chosen, tmp_path):
    counts = []
    for made in (plan, chosen):
        open_page(page, pvp.save_map(made, tmp_path / "map.html", "en"))
        counts.append(page.evaluate("pvplanner.modules()"))
        assert counts[-1] == made.arrays["modules"].sum()
    assert counts[1] < counts[0]


def test_the_page_reckons_what_a_limit_cuts_as_python_does(page, tmp_path):
    made = pvp.plan_village(
        village(tmp_path, ONE.format(kva=20, line=100),
                '[grid]\nexport_limit = "transformer"\n[finance]\nmodel = "self_use"\n')
    )  # fmt: skip
    assert made.households["curtailed"].min() > 0.01
    open_page(page, pvp.save_map(made, tmp_path / "map.html", "en"))
    for setting in ({}, {"export_price": 0.45, "capex_per_w": 2.5}, {"factor": 0.4}):
        other = made.under({CHANGED[k]: v for k, v in setting.items()}).public()
        for model, people in of_model(other).items():
            assert_money(page.evaluate(RECKON, [model, setting]), people)
        page.evaluate("s => { pvplanner.state.settings = s; pvplanner.update(); }", setting)
        told = page.evaluate("pvplanner.totals()")
        assert told["avoided_t"] == pytest.approx(other.villages["avoided_t"].sum(), abs=0.01)
