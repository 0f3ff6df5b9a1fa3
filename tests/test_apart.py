"""A file is not a village: each is planned for itself, and the order of rows decides nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from villages import box, frame

import pvplanner as pvp
from pvplanner.plan.parts import (
    find_villages,
    homes_of_village,
    name_villages,
    of_village,
    part_of,
    split_homes,
)
from pvplanner.reading.values import natural_key, natural_order
from pvplanner.report import render_report

KEYS = {"buildings": "building_id", "households": "household_id", "arrays": "array_id",
        "planes": "plane_id", "demand": "household_id"}  # fmt: skip
MODELS = ("self_invest", "self_use", "roof_lease", "cooperative", "developer")


def village(rng, name: str, x0: float, count: int, code: str):
    shapes = [
        box(x0 + 24 * n, 20 * (n % 3), 8 + rng.integers(0, 9), 7 + rng.integers(0, 5),
            float(rng.integers(0, 90))) for n in range(count)
    ]  # fmt: skip
    if rng.random() < 0.3:
        # A twin, and one inside another.
        shapes[1] = shapes[0]
    return frame(
        shapes, building_id=[f"{name}{n + 1}" for n in range(count)], village=name,
        division_code=code, floors=rng.integers(1, 4, count).astype(float),
        roof_type=rng.choice(["gable", "flat", "hip"], count),
    )  # fmt: skip


def ledger_of(rng, buildings) -> pd.DataFrame:
    rows = []
    for n, building in enumerate(buildings["building_id"]):
        if rng.random() < 0.1:
            continue
        rows.append({
            "household_id": f"H{building}", "building_id": building, "share": "",
            "consumption_kwh": int(rng.integers(800, 6000)),
            "income_today": int(rng.integers(20_000, 90_000)),
            "low_income": "yes" if rng.random() < 0.3 else "no",
        })  # fmt: skip
        if rng.random() < 0.2:
            rows[-1]["share"] = "0.5"
            rows.append({**rows[-1], "household_id": f"K{n}{building}"})
    return pd.DataFrame(rows)


def changes_of(rng) -> dict:
    model = str(rng.choice(MODELS))
    out = {
        "finance.model": model, "finance.capex_per_w": float(rng.uniform(2.2, 4.0)),
        "loan.share": float(rng.choice([0.0, 0.5, 0.7])),
        "cooperative.low_income_share": float(rng.choice([0.0, 0.3])),
        "cooperative.equal_share": float(rng.choice([0.0, 0.4])),
        "cooperative.grant": float(rng.choice([0.0, 50_000.0])),
        "finance.vat_free_per_month": float(rng.choice([2_000.0, 100_000.0])),
        "module.village_limit_kwp": [None, 40.0][int(rng.integers(0, 2))],
    }  # fmt: skip
    if rng.random() < 0.3:
        out["cooperative.mode"] = "self_use"
    return out


def planned(folder, buildings, ledger, changes) -> pvp.Plan:
    folder.mkdir()
    buildings.to_file(folder / "f.gpkg", engine="pyogrio")
    ledger.to_csv(folder / "l.csv", index=False)
    site = {"buildings": str(folder / "f.gpkg"), "households": str(folder / "l.csv")}
    return pvp.plan_village(pvp.Scenario(name="t", language="en", site=site).override(changes))


def same(ours: pd.DataFrame, theirs: pd.DataFrame, key: str) -> None:
    """Rows of the second are in the first, to the last digit."""
    ours, theirs = (pd.DataFrame(t).set_index(key) for t in (ours, theirs))
    pd.testing.assert_frame_equal(ours.loc[theirs.index], theirs, check_exact=True)


def check_seed(folder, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["A", "B", "C"][: int(rng.integers(2, 4))]
    parts = [
        village(rng, name, 2500.0 * n, int(rng.integers(4, 9)), f"33020300000{n + 1}")
        for n, name in enumerate(names)
    ]
    every = pd.concat(parts, ignore_index=True)
    ledger, changes = ledger_of(rng, every), changes_of(rng)
    both = planned(folder / "both", every, ledger, changes)
    assert sorted(p.partition("/")[2] for p in both.parts) == names
    for name, part in zip(names, parts, strict=True):
        own = ledger[ledger["building_id"].isin(part["building_id"])]
        alone = planned(folder / name, part, own, changes)
        for table, key in KEYS.items():
            same(getattr(both, table), getattr(alone, table), key)
        same(both.energy.reset_index(), alone.energy.reset_index(), "array_id")
        same(both.villages, alone.villages, "village")
        for kept in ("collective", "fairness", "waterfall", "ledger"):
            ours = both.village(name).result(kept)
            pd.testing.assert_frame_equal(ours, alone.result(kept), check_exact=True)
    shuffled = planned(
        folder / "shuffled", every.sample(frac=1, random_state=seed).reset_index(drop=True),
        ledger.sample(frac=1, random_state=seed + 1), changes,
    )  # fmt: skip
    for table, key in KEYS.items():
        same(getattr(shuffled, table), getattr(both, table), key)
    same(shuffled.villages, both.villages, "village")
    flows = both.cash_flows()
    sums = flows.groupby(["model", "year"])["yuan"].sum(min_count=1)
    assert sums.abs().max() < 0.005 or sums.isna().all()


@pytest.mark.parametrize("seed", [0])
def test_alone_is_as_in_company_and_order_decides_nothing(tmp_path, seed):
    check_seed(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 126))
def test_500_random_plans(tmp_path, seed):
    """Four or five plans each: together, each village alone, and shuffled."""
    check_seed(tmp_path, seed)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    rng = np.random.default_rng(9)
    parts = [village(rng, "A", 0, 7, "330203000001"), village(rng, "B", 3000, 5, "330203000002")]
    every = pd.concat(parts, ignore_index=True)
    changes = {"finance.model": "cooperative", "loan.share": 0.5}
    return planned(tmp_path_factory.mktemp("two") / "p", every, ledger_of(rng, every), changes)


def test_a_neighbour_moves_no_dividend(two, tmp_path):
    """Poor roofs of a village next door shared one dividend once."""
    alone = two.village("A")
    assert set(two.parts) == {"330203000001/A", "330203000002/B"}
    ours = two.households.set_index("household_id")["income_first_year"]
    theirs = alone.households.set_index("household_id")["income_first_year"]
    pd.testing.assert_series_equal(ours.loc[theirs.index], theirs, check_exact=True)
    books = two.result("collective")
    assert list(books["part"]) == list(two.parts)
    assert books["capital"].sum() == pytest.approx(
        sum(part.result("collective")["capital"].sum() for part in two.parts.values())
    )


def test_what_is_one_villages_is_asked_of_one(two):
    for read in (lambda: two.terms, lambda: two.place, two.case, lambda: two.dossier(),
                 lambda: pvp.save_posting(two, "p.html")):  # fmt: skip
        with pytest.raises(pvp.InputError, match="several"):
            read()
    assert two.village("B").terms.years == 25
    with pytest.raises(pvp.InputError, match="no single village"):
        two.village("C")
    home = two.village("B").households["household_id"].iloc[0]
    assert two.dossier(home)["subject"]["id"] == home


def test_the_order_of_the_files_is_shown(two, tmp_path):
    rng = np.random.default_rng(3)
    part = village(rng, "A", 0, 6, "330203000001")
    ledger = ledger_of(rng, part).iloc[::-1]
    plan = planned(tmp_path / "p", part.iloc[::-1].reset_index(drop=True), ledger, {})
    assert list(plan.buildings["building_id"]) == list(part["building_id"])[::-1]
    told = [h for h in plan.households["household_id"] if h in set(ledger["household_id"])]
    assert told == list(dict.fromkeys(ledger["household_id"]))


def test_saved_and_loaded_they_are_the_same(two, tmp_path):
    two.save(tmp_path / "s")
    back = pvp.Plan.load(tmp_path / "s")
    assert set(back.parts) == set(two.parts)
    for name, table in two.tables():
        ours, theirs = table.reset_index(), dict(back.tables())[name].reset_index()
        pd.testing.assert_frame_equal(
            pd.DataFrame(ours), pd.DataFrame(theirs), check_exact=True, check_dtype=False
        )
    assert render_report(back, "en", internal=True) == render_report(two, "en", internal=True)
    dearer = {"finance.capex_per_w": 3.6}
    same(back.under(dearer).households, two.under(dearer).households, "household_id")
    same(back.under(dearer).villages, two.under(dearer).villages, "village")


def test_the_report_has_each_villages_books(two):
    page = render_report(two, "en", internal=True)
    assert 'id="collective_1"' in page
    assert 'id="collective_2"' in page
    assert page.count("The collective") >= 2


def test_check_looks_at_several_villages(two, tmp_path):
    from pvplanner.checking import look_at

    look = look_at(two.scenario)
    assert look.place["province"] == "Zhejiang"
    assert {m.key for m in look.measures} >= {"household_kwp", "village_kwh_per_kwp"}
    assert look.joins


# --- naming -------------------------------------------------------------------------------------
def rows(**columns) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    usual = {"building_id": [f"B{n}" for n in range(count)], "status": ["ok"] * count,
             "division_code": [None] * count, "project_class": [None] * count}  # fmt: skip
    made = {**usual, **columns}
    return pd.DataFrame({k: pd.array(v, dtype="string") for k, v in made.items()})


USUAL = {"village": "here", "division_code": "", "project_class": "natural_person_household"}


def test_blank_villages_belong_to_the_only_one():
    told, findings = name_villages(rows(village=["A", None, "A"]), USUAL, False, "f")
    assert list(told["village"]) == ["A"] * 3
    assert [f.code for f in findings] == ["village_filled"]
    told, _ = name_villages(rows(village=["A", None, "B"]), USUAL, False, "f")
    assert list(told["village"]) == ["A", "here", "B"]
    told, _ = name_villages(rows(village=["A", None, "A"]), USUAL, True, "f")
    assert list(told["village"]) == ["A", "here", "A"]
    told, findings = name_villages(rows(village=[None, None]), USUAL, False, "f")
    assert (list(told["village"]), findings) == (["here", "here"], [])


def test_a_code_that_some_rows_lack_parts_no_village():
    told, _ = name_villages(
        rows(village=["A", "A", "B"], division_code=["1", None, None]), USUAL, False, "f"
    )
    assert list(told["division_code"]) == ["1", "1", ""]


def test_small_villages_are_asked_about():
    told = rows(village=["A", "B", "C", "D"], division_code=[""] * 4)
    found, findings = find_villages(told, "f")
    assert found.names == ("/A", "/B", "/C", "/D")
    assert [f.code for f in findings] == ["villages_small"]
    assert findings[0].doubtful
    told = rows(village=["A"] * 6 + ["B"] * 7, division_code=[""] * 13)
    assert find_villages(told, "f")[1] == []


def test_a_village_without_a_usable_building_goes_with_another():
    told = rows(village=["A", "B", "B"], division_code=[""] * 3,
                status=["set_aside", "ok", "ok"])  # fmt: skip
    assert list(part_of(told)) == ["/B", "/B", "/B"]
    assert list(of_village(told, "/B")["building_id"]) == ["B0", "B1", "B2"]


def test_a_household_in_two_villages_is_one_in_each():
    told = rows(village=["A", "B"], division_code=["", ""])
    homes = pd.DataFrame({
        "household_id": ["H1", "H1", "H2"], "building_id": ["B0", "B1", None],
        "share": [1.0, 1.0, np.nan], "consumption_kwh": [900.0, 900.0, 500.0],
        "income_today": [1.0, 1.0, 2.0], "own_building": [False] * 3, "order": [0, 0, 1],
    })  # fmt: skip
    parted, findings = split_homes(homes, told, "l")
    assert list(parted["household_id"]) == ["H1", "H1 (B)", "H2"]
    assert list(parted["part"]) == ["/A", "/B", "/A"]
    assert list(parted["consumption_kwh"]) == [900.0, 0.0, 500.0]
    assert [f.code for f in findings] == ["household_in_villages"]
    own = homes_of_village(parted, "/A")
    assert list(own["household_id"]) == ["H1", "H2"]
    assert "part" not in own


def test_identifiers_have_a_natural_order():
    ids = pd.Series(["b10", "b2", "B3", "a", "", "b2a", "2", "10", "007", "7"])
    assert [ids[n] for n in natural_order(ids)] == [
        "", "2", "007", "7", "10", "B3", "a", "b2", "b2a", "b10"
    ]  # fmt: skip
    assert natural_key("x1") < natural_key("x1y")
