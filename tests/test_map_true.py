"""The map says what is true: classes, counts, sums and cards against a recount from the tables."""

from __future__ import annotations

import io
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import ROOT
from helps import rarely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_map import RECKON, all_quiet, assert_money, of_model, open_page, shown_totals
from villages import box, frame, hamlet, write_village

import pvplanner as pvp
from pvplanner.documents.payers import invested, nobodys, payments_by_payer
from pvplanner.mapping.classes import (
    OWN_DOUBT,
    area_doubt,
    class_limits,
    doubt_of,
    hall_rows,
    least_width,
    nice_between,
    round_step,
)
from pvplanner.mapping.data import roof_frame
from pvplanner.mapping.extent import first_view
from pvplanner.mapping.layer import page_scripts
from pvplanner.mapping.others import capital_by, names_apart
from pvplanner.words import label

pytestmark = pytest.mark.browser

SPREADS = st.one_of(
    st.lists(st.floats(0.01, 1e6), min_size=1, max_size=120),
    st.lists(st.sampled_from([4271.0, 4271.38, 655_891.0, 12.5]), min_size=1, max_size=40),
    st.lists(st.integers(900, 1100).map(float), min_size=2, max_size=200),
)


@given(SPREADS, st.sampled_from([0.0, 0.5, 20.0, 1000.0]))
@settings(max_examples=300, deadline=None)
def test_classes_hold_their_values_and_are_as_wide_as_is_known(values, least):
    values = np.array(values)
    limits = class_limits(values, least)
    assert limits == sorted(set(limits))
    assert len(limits) < 6 + 1
    edges = [values.min(), *limits, values.max()]
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits) + 1)
    assert (counts > 0).all()
    if limits:
        assert np.diff(edges).min() >= least * (1 - 1e-12)
        assert values.min() < limits[0]
        assert limits[-1] <= values.max()
        # What the legend shows is the limit itself: ten digits at most.
        assert [float(f"{b:.10g}") for b in limits] == limits


@pytest.mark.parametrize(
    ("values", "least", "limits"),
    [
        (4200 + np.arange(12) * 0.03, 1.0, []),
        ([4271.0] * 30 + [655_891.0] * 2, 500.0, [500_000.0]),
        (np.arange(950, 1101), 20.0, [1000.0, 1050.0]),
        ([5.0], 0.0, []),
        ([1.0, 2.0], 0.0, [2.0]),
    ],
)
def test_limits_follow_the_spread(values, least, limits):
    assert class_limits(np.asarray(values, dtype=float), least) == limits


def test_round_numbers():
    assert [round_step(v) for v in (0.0, 0.9, 1.0, 1.01, 3.0, 7.0)] == [0, 1, 1, 2, 5, 10]
    assert [nice_between(*p) for p in ((1.0, 2.0), (0.31, 0.94), (99.0, 101.0), (4.0, 4.004))] == [
        2.0, 0.5, 100.0, 4.002
    ]  # fmt: skip
    assert least_width(np.array([10.0, -20.0, 30.0]), 0.1, 1.0) == 2.0
    assert least_width(np.array([]), 0.1, 1.0) == 1.0


def test_what_is_no_house_has_a_scale_of_its_own():
    def halls(areas, **more):
        return hall_rows(pd.DataFrame({"area_m2": areas, **more})).tolist()

    # Eight times the usual, and 1,000 m2 at least.
    assert halls([200.0] * 5 + [1600.0, 1601.0]) == [False] * 6 + [True]
    assert halls([50.0] * 5 + [1000.0, 1001.0]) == [False] * 6 + [True]
    assert halls([np.nan, np.nan]) == [False, False]
    kinds = ["natural_person_household", "general_commercial"]
    assert halls([90.0, 90.0], project_class=kinds) == [False, True]


def test_a_roofs_own_doubt_is_what_others_do_not_share():
    parts = pd.DataFrame({"component": ["wear", "usable_area"], "roof": [0.5, 0.13],
                          "village": [0.5, 0.05]})  # fmt: skip
    assert area_doubt(parts) == pytest.approx(0.12)
    for nothing in (parts.iloc[:0], parts.iloc[:1], parts[["roof", "village"]],
                    parts.assign(village=0.2)):  # fmt: skip
        assert area_doubt(nothing) == 0.0
    assert [doubt_of(key, 0.12) for key in ("energy_kwh", "payback_years", "floors")] == [
        0.12, OWN_DOUBT, 0.0
    ]  # fmt: skip


def test_the_page_makes_the_same_classes(page, tmp_path):
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, hamlet(3), ZHEJIANG)))
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en"))
    rng = np.random.default_rng(5)
    for n in range(120):
        make = (rng.lognormal(8, 1, 80), rng.uniform(900, 1100, 60), rng.normal(10, 1, 30),
                np.r_[rng.normal(4e3, 30, 20), rng.normal(6e5, 10, 2)], rng.beta(1, 20, 90))  # fmt: skip
        values, least = make[n % 5], float(rng.choice([0, 0.01, 1, 50]))
        ours = page.evaluate("([v, least]) => pvplanner.classLimits(v, least, 6)",
                             [values.tolist(), least])  # fmt: skip
        assert ours == class_limits(values, least), n


ZHEJIANG = 'province = "Zhejiang"\n'
HALL = '[finance]\nmodel_by_class.general_commercial = "self_use"\n'


def random_plan(folder, seed):
    """A village of a random size with halls, tiny sheds, shared houses and any model."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(6, 22))
    shapes = [box(25 * (k % 6), 22 * (k // 6), rng.uniform(3, 15), rng.uniform(3, 12))
              for k in range(count)]  # fmt: skip
    village = frame([*shapes, box(0, 150, 80, 60)], building_id=[f"B{k}" for k in range(count + 1)])
    village["height_m"] = 7.0
    village["hamlet"] = [f"h{k % 3}" for k in range(count + 1)]
    village["project_class"] = ["natural_person_household"] * count + ["general_commercial"]
    model = rng.choice(["self_invest", "self_use", "cooperative"])
    rows = [f"H{k},B{k},{rng.integers(500, 4000)}" for k in range(count)]
    rows[0] = "H0,B0;B1,900"
    (folder / "ledger.csv").write_text(
        "household_id,building_id,consumption_kwh\n" + "\n".join(rows), encoding="utf-8"
    )
    extra = f'{ZHEJIANG}households = "ledger.csv"\n{HALL}model = "{model}"\n'
    return pvp.plan_village(pvp.Scenario.from_toml(write_village(folder, village, extra)))


READ = """() => { const v = pvplanner.view, m = pvplanner.data.measures.find(x => x.key === pvplanner.state.measure);
  return {own: Array.from(v.own), kept: Array.from(v.kept), scales: v.scales, m: m,
    values: v.values && Array.from(v.values, x => x === x ? x : null),
    counts: [...document.querySelectorAll('#legend [data-count]')].map(n => [Number(n.dataset.count), Number(n.textContent.replace(/,/g, ''))]),
    labels: [...document.querySelectorAll('#legend > div')].map(n => n.children[1].textContent)}; }"""


@pytest.mark.parametrize("seed", [1, 2])
def test_every_class_count_filter_and_sum_equals_a_recount(page, tmp_path, seed):
    plan = random_plan(tmp_path, seed)
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en"))
    check_recount(page, plan)


@pytest.mark.long
@given(st.integers(10, 2**32 - 1))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_plans_are_told_as_their_tables_have_them(page, tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("plan")
    plan = random_plan(folder, seed)
    path = pvp.save_map(plan, folder / "m.html", "en")
    check_recount(open_page(page, path), plan)
    page.goto("about:blank")
    check_cards(open_page(page, path), plan.public())


def check_recount(page, plan):
    """Every class, count, filter and sum of an open page against the tables."""
    public = plan.public()
    roofs = roof_frame(public).reset_index(drop=True)
    halls, built = hall_rows(roofs), (roofs["modules"] > 0).to_numpy()
    for key in page.locator("#measure option").evaluate_all("o => o.map(x => x.value)"):
        page.select_option("#measure", key)
        told = page.evaluate(READ)
        if told["m"].get("kinds"):
            continue
        values = roofs[key].to_numpy(dtype=float)
        by = told["scales"]
        for i in range(len(roofs)):
            if not built[i]:
                assert told["own"][i] == 255
                continue
            if not np.isfinite(values[i]):
                assert told["own"][i] in (251, 252, 253)
                continue
            scale = by["halls"] if halls[i] and by["halls"] else by["houses"] or by["halls"]
            first = 16 if halls[i] and by["halls"] else 0
            expected = first + int(np.searchsorted(scale["breaks"], values[i], side="right"))
            assert told["own"][i] == expected, (key, i, values[i], scale["breaks"])
        counts = np.bincount(told["own"], minlength=256)
        assert all(counts[k] == n for k, n in told["counts"]), key
        assert sum(n for _, n in told["counts"]) == len(roofs)
        # No two labels of one scale are alike.
        assert len(set(told["labels"])) >= len(told["labels"]) - 1
    page.select_option("#measure", "energy_kwh")
    page.click("#filter-box summary")
    page.select_option("#filter-hamlet", "h1")
    kept = np.flatnonzero(page.evaluate(READ)["kept"])
    assert kept.tolist() == np.flatnonzero(roofs["hamlet"] == "h1").tolist()
    totals = shown_totals(page)
    for name in ("modules", "energy_kwh", "income_first_year", "capacity_kwp"):
        assert totals[name] == pytest.approx(roofs.loc[kept, name].sum(), abs=0.6), name
    homes = set(public.shares.loc[public.shares["building_id"].isin(roofs.loc[kept, "building_id"]),
                                  "household_id"])  # fmt: skip
    own = public.households.set_index("household_id")["own_building"]
    assert totals["households"] == sum(not own[h] for h in homes)
    assert int(page.locator("#grid").get_attribute("aria-rowcount")) == len(homes) + 1
    assert page.complaints == []


def card_figures(page):
    return page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('#card tr[data-figure]')]"
        ".map(r => [r.dataset.figure, r.children[1].textContent]))"
    )


@pytest.mark.parametrize("seed", [4])
def test_every_card_says_what_the_table_says(page, tmp_path, seed):
    plan = random_plan(tmp_path, seed)
    check_cards(open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en")), plan.public())


def test_a_household_without_a_ledger_stands_in_its_roofs_hamlet(page, tmp_path):
    shapes = [box(25 * k, 0, 12, 9) for k in range(4)]
    homes = frame(shapes, hamlet=["east", "east", "west", "west"], height_m=7.0)
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, homes, ZHEJIANG)))
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en"))
    rows = page.locator("#grid tbody tr[aria-rowindex]").all_inner_texts()
    assert sorted(word for row in rows for word in ("east", "west") if word in row) == [
        "east", "east", "west", "west"
    ]  # fmt: skip


def check_cards(page, plan):
    """Every card of an open page against the tables."""
    shown = page.evaluate("() => pvplanner.data.fields")
    for row in plan.buildings.to_dict("records"):
        page.evaluate("id => pvplanner.choose(id)", row["building_id"])
        text = page.locator("#card").inner_text()
        assert row["building_id"] in text
        if not row["modules"] > 0:
            assert label("no_modules_here", "en") in text
            assert label("reason_unknown", "en") not in text
            continue
        found = card_figures(page)
        for key in ("modules", "capacity_kwp", "specific_yield_kwh_per_kwp", "capital"):
            if np.isfinite(row[key]):
                step = 0.5 * 10 ** -len(found[key].split()[0].partition(".")[2])
                number = float(found[key].split()[0].replace(",", ""))
                rule = str(shown[key]["one"])
                room = 0.005 * abs(row[key]) if rule.startswith("s") else step
                assert number == pytest.approx(row[key], abs=room + 1e-6), key
    assert page.evaluate("() => [...pvplanner.view.unsaid]") == []
    assert page.complaints == []


TIMES = {"price_times": "tariff.price_factor", "self_use_times": "tariff.self_use_factor"}


def test_sliders_move_the_plans_own_path_and_rest_where_they_are(page, tmp_path):
    plan = random_plan(tmp_path, 7)
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en"))
    page.click("#what-if summary")
    before = page.evaluate(RECKON, ["plan", {}])
    totals = shown_totals(page)
    for slider in page.locator("#sliders input[type=range]").all():
        slider.dispatch_event("input")
    page.wait_for_timeout(60)
    assert page.evaluate("pvplanner.state.settings") == {}
    assert shown_totals(page) == totals
    assert page.evaluate(RECKON, ["plan", {}]) == before
    # A fifth less in one move, and every other setting as a plan made anew has it.
    page.click('[data-move="export_price-"]')
    page.wait_for_timeout(60)
    assert page.evaluate("pvplanner.state.settings") == {"price_times": 0.8}
    assert label("as_planned", "en") in page.locator("#totals").inner_text()
    scenario = plan.scenario
    for setting in ({"price_times": 0.8}, {"price_times": 1.3, "self_use_times": 0.7},
                    {"capex_times": 1.5, "self_use_times": 1.5}):  # fmt: skip
        change = {TIMES[k]: v for k, v in setting.items() if k in TIMES}
        if "capex_times" in setting:
            change["finance.capex_per_w"] = scenario.finance.capex_per_w * setting["capex_times"]
        other = plan.under(change).public()
        for model, people in of_model(other).items():
            assert_money(page.evaluate(RECKON, [model, setting]), people)
    page.click("#reset")
    assert shown_totals(page) == totals


def test_price_cases_stand_in_place_of_the_sliders(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.click("#what-if summary")
    for case in ("not_won", "poor_years", "together"):
        page.select_option("#price-case", case)
        own = liao.measures[liao.measures["case"] == case].set_index(["household_id", "model"])
        homes = liao.households
        found = own.reindex(list(zip(homes["household_id"], homes["model"], strict=True)))
        linked = homes["household_id"].isin(liao.shares["household_id"]).to_numpy()
        income = np.nansum(found["income_first_year"].to_numpy()[linked])
        assert shown_totals(page)["income_first_year"] == pytest.approx(income, rel=1e-5), case
    page.click("#reset")
    summary = liao.summary()
    assert shown_totals(page)["income_first_year"] == summary["income_first_year"]


def test_investment_is_told_by_who_pays_it(page, tmp_path):
    """A cooperative's plants are in the totals, and a hall's stand apart."""
    for seed in (7, 9, 12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        plan = random_plan(folder, seed)
        first = payments_by_payer(plan)[0].unstack("item").groupby("payer").sum(min_count=1)
        paid = invested(first)
        halls = paid.index.isin(list(nobodys(plan)))
        homes = paid.index.isin(plan.households["household_id"].astype(str))
        expected = {"household": paid[homes & ~halls].sum(), "public_buildings": paid[halls].sum(),
                    **paid[~homes].to_dict()}  # fmt: skip
        ours = capital_by(plan)
        assert {k: pytest.approx(v, abs=0.5) for k, v in expected.items() if v > 0} == ours
        open_page(page, pvp.save_map(plan, folder / "m.html", "en"))
        rows = page.locator("#totals tr[data-payer]").evaluate_all(
            "o => o.map(r => [r.dataset.payer, Number(r.dataset.value)])"
        )
        assert dict(rows) == {k: pytest.approx(v, abs=0.5) for k, v in ours.items()}
        assert shown_totals(page)["capital"] == pytest.approx(sum(ours.values()), abs=1)
        live = page.evaluate("pvplanner.capitalBy()")
        assert live == {k: pytest.approx(v, abs=0.5) for k, v in ours.items()}


def test_both_sides_of_a_comparison_are_the_plans_own(page, liao, tmp_path):
    dearer = liao.under({"finance.capex_per_w": 4.0, "module.gap_m": 0.1})
    assert names_apart(liao, [dearer])[0] != liao.scenario.name
    path = pvp.save_map(liao, tmp_path / "m.html", "en", compare=[dearer], cases=True)
    open_page(page, path)
    assert page.locator("#compare-box button").count() == 7
    names = page.locator("#compare-box button").all_inner_texts()
    assert len(set(names)) == 7
    page.click('[data-other="0"]')
    rows = {
        r.get_attribute("data-total"): (float(r.get_attribute("data-value")),
                                        r.get_attribute("data-other"))
        for r in page.locator("#totals tr[data-total]").all()
    }  # fmt: skip
    a, b = liao.summary(), dearer.summary()
    for key in ("modules", "energy_kwh", "income_first_year", "avoided_t"):
        assert rows[key][0] == pytest.approx(a[key], abs=1e-6), key
        assert float(rows[key][1]) == pytest.approx(b[key], abs=1e-6), key
    # Roofs whose change is below what is shown have none; winners and losers are the others.
    own, other = (roof_frame(p.public()).set_index("building_id")["income_first_year"]
                  for p in (liao, dearer))  # fmt: skip
    apart = other.reindex(own.index) - own
    said = [int(n) for n in re.findall(r"(\d+) roofs gain", page.locator("#winners").inner_text())]
    lost = int(re.search(r", (\d+) lose", page.locator("#winners").inner_text()).group(1))
    assert said[0] == (apart >= 0.5).sum()
    assert lost == (apart <= -0.5).sum()
    page.evaluate("pvplanner.choose('LA0055')")
    page.check("#card-tick")
    rows = page.evaluate("pvplanner.csv()").splitlines()
    assert [h.endswith(e) for h, e in zip(rows[0].split('","')[-3:], (" A", " B", ' B − A"'), strict=True)] == [True] * 3  # fmt: skip
    # A price case against the plan.
    page.click('[data-other="1"]')
    case = page.evaluate("pvplanner.data.others[1].case")
    values = page.evaluate("Array.from(pvplanner.view.values, v => v === v ? v : null)")
    assert case == "not_won"
    assert max(v for v in values if v is not None) <= 0
    all_quiet(page, path)


def test_yuan_never_stand_beside_euros(page, tmp_path):
    base = pvp.Scenario.from_toml(write_village(tmp_path, hamlet(4), ZHEJIANG))
    prices = {"tariff.export_price": 0.08, "tariff.self_use_price": 0.3, "finance.rent": 50.0}
    plan = pvp.plan_village(base)
    euros = pvp.plan_village(base.override({**prices, "finance.currency": "EUR",
                                            "finance.capex_per_w": 1.1}))  # fmt: skip
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en", compare=euros))
    page.click('[data-other="0"]')
    keys = page.evaluate("pvplanner.data.others[0].compared")
    assert "energy_kwh" in keys
    assert not {"income_first_year", "capital", "payback_years"} & set(keys)
    assert page.locator("#totals tr[data-total=income_first_year], #totals tr[data-total=capital]").count() == 0  # fmt: skip
    assert page.complaints == []


def test_far_houses_do_not_shrink_the_view(page, tmp_path):
    shapes = [box(20 * (k % 4), 18 * (k // 4), 12, 10) for k in range(11)] + [
        box(9000, 500, 12, 10)
    ]
    village = frame(shapes, building_id=[f"B{k}" for k in range(12)])
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, village, ZHEJIANG)))
    open_page(page, pvp.save_map(plan, tmp_path / "m.html", "en"))
    sizes = page.evaluate(
        "() => { const b = pvplanner.view.roofs.box, s = pvplanner.map.getZoomScale(pvplanner.map.getZoom(), 0);"
        "return [0, 5].map(i => (b[4*i+2]-b[4*i]) * s); }"
    )
    assert min(sizes) > 40
    arrow = page.locator("#outliers button")
    assert arrow.count() == 1
    assert "9.0 km" in arrow.inner_text()
    box_ = arrow.bounding_box()
    around = page.locator(".folium-map").bounding_box()
    assert around["x"] <= box_["x"]
    assert box_["x"] + box_["width"] <= around["x"] + around["width"]
    arrow.click()
    assert arrow.is_hidden()
    assert len(page.evaluate("pvplanner.inWindow()")) == 1
    # Villages of two parts are no outliers.
    two = np.array(
        [
            shapely.box(k, 0, k + 1e-4, 1e-4)
            for k in (*np.arange(0, 0.01, 0.001), 0.05, 0.051, 0.052)
        ]
    )
    assert first_view(two)[1] == []


STATE = """() => ({language: pvplanner.state.language, measure: pvplanner.state.measure, model: pvplanner.state.model,
  settings: pvplanner.state.settings, filters: pvplanner.state.filters.map(f => [f.kind, f.key, f.value, f.low, f.high]),
  chosen: pvplanner.state.chosen, ticked: [...pvplanner.state.ticked].sort(), rows: pvplanner.state.rows,
  zoom: pvplanner.map.getZoom(), at: [pvplanner.map.getCenter().lat.toFixed(5), pvplanner.map.getCenter().lng.toFixed(5)]})"""


def test_an_address_opens_the_same_view_and_back_goes_back(page, liao, tmp_path):
    path = pvp.save_map(liao, tmp_path / "m.html")
    open_page(page, path)
    page.select_option("#measure", "payback_years")
    page.click("#filter-box summary")
    page.select_option("#filter-hamlet", "溪边")
    page.fill("#filter-energy_kwh-low", "9000")
    page.keyboard.press("Tab")
    page.click("#what-if summary")
    page.click('[data-move="capex_per_w+"]')
    page.evaluate("pvplanner.choose('LA0200')")
    page.check("#card-tick")
    page.click('[data-rows="roofs"]')
    page.wait_for_timeout(400)
    told, address = page.evaluate(STATE), page.url
    totals = shown_totals(page)
    assert page.complaints == []
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector("html[data-ready=true]", state="attached")
    assert other.evaluate(STATE) == told
    assert shown_totals(other) == totals
    other.close()
    # Back takes the last step back, forward takes it again.
    page.go_back()
    page.wait_for_timeout(100)
    assert page.evaluate("pvplanner.state.rows") == "homes"
    page.go_back()
    page.wait_for_timeout(100)
    assert page.evaluate("pvplanner.state.ticked.size") == 0
    page.go_forward()
    page.go_forward()
    page.wait_for_timeout(100)
    assert page.evaluate(STATE) == told
    # What nobody knows is left out.
    page.goto(path.as_uri() + "#c=nothing&model=nobody&f.word.nothing=1&s.x=2&roof=zzz&at=1,2")
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.evaluate("pvplanner.state.chosen") == -1
    assert page.complaints == []


def test_a_saved_page_opens_as_it_was(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html"))
    page.select_option("#measure", "energy_kwh")
    page.evaluate("pvplanner.choose('LA0100')")
    page.wait_for_timeout(350)
    totals, told = shown_totals(page), page.evaluate(STATE)
    saved = tmp_path / "saved.html"
    saved.write_text(page.content(), encoding="utf-8")
    other = page.context.new_page()
    complaints = []
    other.on("console", lambda said: complaints.append(said.text))
    other.on("pageerror", lambda error: complaints.append(str(error)))
    other.goto(saved.as_uri())
    other.wait_for_selector("html[data-ready=true]", state="attached")
    assert complaints == []
    assert shown_totals(other) == totals
    assert other.evaluate(STATE) == told
    assert other.locator(".leaflet-control-zoom").count() == 1
    assert other.locator("canvas.roofs").count() == 2


YOUNGER = (
    "DecompressionStream", "structuredClone", "ResizeObserver", "Intl.Segmenter", "WeakRef",
    "Element.prototype.replaceChildren", "Element.prototype.append", "Element.prototype.prepend",
    "Element.prototype.replaceWith", "Element.prototype.toggleAttribute", "Array.prototype.at",
    "Array.prototype.flat", "Array.prototype.flatMap", "Array.prototype.findLast",
    "Array.prototype.toSorted", "String.prototype.replaceAll", "String.prototype.at",
    "String.prototype.matchAll", "Object.hasOwn", "Object.fromEntries", "Object.groupBy",
    "Promise.any", "Promise.allSettled", "Array.fromAsync", "crypto.randomUUID",
)  # fmt: skip


def test_what_is_younger_than_chromium_80_is_not_needed(page, liao, tmp_path):
    """Each such interface is taken away and the page still does its work."""
    gone = "".join(f"try {{ delete window.{name}; }} catch (e) {{}}\n" for name in YOUNGER)
    page.add_init_script(gone)
    open_page(page, pvp.save_map(liao, tmp_path / "m.html"))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("pvplanner.choose('LA0055'); document.querySelector('#tick-first').click()")
    page.click('[data-move="export_price-"]')
    page.select_option("#measure", "payback_years")
    page.check("#show-why")
    page.check("#show-hamlets")
    page.click('[data-language="en"]')
    assert page.evaluate("pvplanner.state.ticked.size") >= 10
    assert page.complaints == []
    used = page_scripts()[1]
    for name in YOUNGER:
        last = name.rpartition(".")[2]
        if name not in ("DecompressionStream", "Array.prototype.at", "String.prototype.at"):
            assert not re.search(rf"\.{last}\(", used), name
    assert not re.search(
        r"\?\.|\?\?|=>|`|\b(?:const|let|class|async|await)\b", _bare_of_strings(used)
    )


def _bare_of_strings(code):
    return re.sub(r'"(?:[^"\\]|\\.)*"|/(?![*/])(?:[^/\\\n]|\\.)+/[gu]*|/\*.*?\*/|//[^\n]*', "", code,
                  flags=re.DOTALL)  # fmt: skip


def test_styles_are_those_of_chromium_80():
    style = (ROOT / "pvplanner/templates/map/map.css").read_text("utf-8")
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    # A gap of a grid is Chromium 66's, of a flex row 84's; none is used at all.
    assert not re.search(r"(?<!-)\bgap\s*:", style)
    for young in ("inset:", "aspect-ratio", ":is(", ":where(", ":has(", "@container", "dvh", "svh",
                  "accent-color", "content-visibility", "overflow: clip", "color-mix", "min(", "clamp(",
                  "place-items", "@layer", "&:", "text-wrap", "scrollbar-gutter"):  # fmt: skip
        if young == "min(":
            assert not re.search(r"[:\s]min\(", style)
            continue
        assert young not in style, young
    # A rule that an older browser does not know stands alone, so that only it is dropped.
    for rule in re.findall(r"([^{}]+)\{", style):
        if ":focus-visible" in rule:
            assert rule.strip() == ":focus:not(:focus-visible)"


def test_an_old_browser_is_told_so(page, liao, tmp_path):
    path = pvp.save_map(liao, tmp_path / "m.html")
    page.add_init_script("delete window.TextDecoder")
    page.goto(path.as_uri())
    page.wait_for_timeout(200)
    assert page.locator("#guard").is_visible()
    assert "80" in page.locator("#guard").inner_text()
    assert page.evaluate("document.documentElement.dataset.lacks") == "TextDecoder"
    text = path.read_text("utf-8")
    assert "<noscript>" in text
    # The guard itself is in the oldest words.
    guard = (ROOT / "pvplanner/templates/map/guard.js").read_text("utf-8")
    assert not re.search(r"=>|\b(?:let|const|class)\b|`", guard)


def test_the_table_has_every_roof_and_ticks_whole_households(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.click('[data-rows="roofs"]')
    assert int(page.locator("#grid").get_attribute("aria-rowcount")) == len(liao.buildings) + 1
    page.click('[data-rows="homes"]')
    several = liao.shares[liao.shares["household_id"].duplicated(keep=False)]
    home = several["household_id"].iloc[0]
    mine = set(several.loc[several["household_id"] == home, "building_id"])
    page.fill("#search", home)
    page.press("#search", "Enter")
    page.locator("#grid tr.own input[type=checkbox]").first.click()
    ticked = page.evaluate(
        "[...pvplanner.state.ticked].map(i => pvplanner.tables.roofs.building_id)"
    )
    assert len(ticked) == len(mine)
    page.fill("#first-count", "7")
    page.click("#tick-first")
    best = liao.public().households.nlargest(7, "income_first_year")["household_id"]
    roofs = liao.shares[liao.shares["household_id"].isin(best)]["building_id"].unique()
    rows = page.evaluate("pvplanner.csv()").split("\r\n\r\n")[0].splitlines()[1:]
    assert {r.split('"')[1] for r in rows} == set(roofs)
    heads = page.evaluate("pvplanner.csv()").splitlines()[0]
    for key in ("hamlet", "rank", "reason"):
        assert label(key, "en") in heads


def test_reasons_are_counted_as_the_table_has_them(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.check("#show-why")
    bare = liao.buildings[~(liao.buildings["modules"] > 0)]
    counts = bare["status_reason"].value_counts()
    shown = page.locator("#why-list [data-reason]").evaluate_all(
        "o => o.map(n => [n.dataset.reason, Number(n.querySelector('.count').textContent)])"
    )
    assert dict(shown) == counts.to_dict()
    assert "" not in dict(shown)
    page.evaluate(
        "() => { window.print = () => {}; document.getElementById('answer-sheet').click(); }"
    )
    pages = page.locator("#answers section")
    assert pages.count() == bare["hamlet"].fillna("").nunique()
    assert page.locator("#answers tbody tr, #answers tr:not(:first-child)").count() == len(bare)
    # A click keeps the roofs of one reason.
    page.evaluate("document.body.classList.remove('answering')")
    page.click("#why-list button >> nth=0")
    assert page.evaluate("pvplanner.counted().length") == counts.max()


def test_hamlet_totals_sum_to_the_village(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.check("#show-hamlets")
    rows = page.locator("#hamlet-table tr").evaluate_all("o => o.slice(1).map(r => [...r.children].map(c => c.textContent))")  # fmt: skip
    by = liao.buildings.groupby(liao.buildings["hamlet"].fillna("not known"))
    assert {r[0]: int(r[1]) for r in rows} == by.size().to_dict()
    assert {r[0]: int(r[2]) for r in rows} == by["modules"].apply(lambda m: int((m > 0).sum())).to_dict()  # fmt: skip


def test_sheets_are_at_their_scale_and_cover_the_village(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.click("#paper-box summary")
    page.select_option("#scale", "1000")
    count = page.locator("#sheet option").count()
    assert count > 1
    seen = set()
    for n in range(count):
        page.select_option("#sheet", str(n))
        page.emulate_media(media="print")
        page.evaluate("pvplanner.printing(true)")
        seen |= set(page.evaluate("pvplanner.inWindow()"))
        per = page.evaluate(
            "() => { const m = pvplanner.map, s = m.getSize(), a = m.containerPointToLatLng([0, s.y / 2]),"
            "b = m.containerPointToLatLng([s.x, s.y / 2]); return m.distance(a, b) / (s.x / 96 * 0.0254); }"
        )
        assert per == pytest.approx(1000, rel=0.01)
        assert f"{n + 1} of {count}" in page.locator("#print-sheet").inner_text()
        page.evaluate("pvplanner.printing(false)")
        page.emulate_media(media="screen")
    assert len(seen) == len(liao.buildings)


def test_a_picture_is_saved(page, liao, tmp_path):
    from PIL import Image

    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.click("#paper-box summary")
    with page.expect_download() as held:
        page.click("#picture")
    target = tmp_path / "m.png"
    held.value.save_as(target)
    picture = np.asarray(Image.open(target).convert("RGB")).astype(int)
    assert picture.shape[1] > 1500
    colours = page.evaluate("pvplanner.data.measures[0].colours")
    for colour in colours:
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert (np.abs(picture - wanted).max(axis=2) < 10).sum() > 200, colour


def test_an_area_is_drawn_and_counted(page, liao, tmp_path):
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.click("#filter-box summary")
    page.click("#draw-area")
    around = page.locator(".folium-map").bounding_box()
    for x, y in ((0.1, 0.05), (0.5, 0.05), (0.5, 0.6), (0.1, 0.6)):
        page.mouse.click(around["x"] + x * around["width"], around["y"] + y * around["height"])
    page.keyboard.press("Enter")
    held = page.evaluate("pvplanner.counted()")
    assert 0 < len(held) < len(liao.buildings)
    assert shown_totals(page)["buildings"] == len(held)
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.evaluate("pvplanner.counted()") == held
    assert page.complaints == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("wide", rarely([1024, 1280, 1440, 1920], [1280]))
def test_the_head_is_one_line_and_nothing_overflows(page, liao, tmp_path, language, wide):
    page.set_viewport_size({"width": wide, "height": 800})
    open_page(page, pvp.save_map(liao, tmp_path / "m.html", language))
    assert page.locator("#bar").bounding_box()["height"] < 52
    overflow = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(overflow) <= 0
    assert page.evaluate("() => { const b = document.getElementById('bar'); return b.scrollWidth - b.clientWidth; }") <= 0  # fmt: skip
    page.evaluate("pvplanner.choose('LA0055')")
    assert page.evaluate(overflow) <= 0
    assert page.locator("#legend").is_visible()
    legend = page.locator("#legend-head").bounding_box()
    assert 0 < legend["y"] < 800


def test_no_word_is_missing_after_a_tour(page, liao, tmp_path):
    for language in ("zh", "en"):
        open_page(page, pvp.save_map(liao, tmp_path / "m.html", language, cases=True))
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for key in page.locator("#measure option").evaluate_all("o => o.map(x => x.value)"):
            page.select_option("#measure", key)
        for model in page.locator("#model option").evaluate_all("o => o.map(x => x.value)"):
            page.select_option("#model", model)
            page.evaluate("pvplanner.choose('LA0055')")
            page.evaluate("document.querySelectorAll('#card details').forEach(d => d.open = true)")
        for tick in ("#show-transformers", "#show-hamlets", "#show-why"):
            page.check(tick)
        page.click('[data-other="2"]')
        assert page.evaluate("() => [...pvplanner.view.unsaid]") == []


def test_sizes_stay_small(liao, tmp_path):
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, hamlet(3), ZHEJIANG)))
    fixed = pvp.save_map(plan, tmp_path / "m.html", "en").stat().st_size
    assert fixed < 200_000
    # The limits stay readable in the file, whatever else is packed.
    written = (tmp_path / "m.html").read_text("utf-8")
    data = json.loads(re.search(r'id="pvplanner-data">([^<]*)', written).group(1))
    limits = {m["key"]: m["breaks"] for m in data["measures"]}
    values = roof_frame(plan)["specific_yield_kwh_per_kwp"].to_numpy(dtype=float)
    assert limits["specific_yield_kwh_per_kwp"] == class_limits(
        values, least_width(values, 0.02, 1.0)
    )


def test_forced_colours_zoom_and_keyboard(page, liao, tmp_path):
    """Swatches keep their colours, twice the size overflows nothing, keys alone do the work."""
    from PIL import Image

    open_page(page, pvp.save_map(liao, tmp_path / "m.html", "en"))
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    for n, colour in enumerate(page.evaluate("pvplanner.data.measures[0].colours")):
        shot = page.locator("#legend .swatch").nth(n).screenshot()
        middle = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))[7, 13].astype(int)
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(middle - wanted).max() < 12, colour
    page.emulate_media(forced_colors="none")
    # 1,280 px at 200 %.
    page.set_viewport_size({"width": 640, "height": 430})
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.set_viewport_size({"width": 1280, "height": 860})
    page.locator("#measure").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("pvplanner.state.measure") != "income_first_year"
    page.locator("#scroll").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.evaluate("pvplanner.state.ticked.size") >= 1
    page.keyboard.press("Enter")
    assert page.locator("#card").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()
    assert page.complaints == []


def test_the_guard_inflates_what_zlib_packs(page, liao, tmp_path):
    """RFC 1951 by hand: stored, fixed and dynamic blocks."""
    page.goto(pvp.save_map(liao, tmp_path / "m.html", "en").as_uri())
    rng = np.random.default_rng(2)
    for level, body in ((0, b"plain"), (1, b"ab" * 500), (9, rng.bytes(3000)), (6, b""),
                        (9, ("文字" * 900).encode())):  # fmt: skip
        packed = zlib.compress(body, level)
        found = page.evaluate(
            "b => Array.from(pvplannerPage.inflate(new Uint8Array(b)))", list(packed)
        )
        assert bytes(found) == body
