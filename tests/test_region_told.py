"""What people write about a region, and what is said back: samples, lists, codes, own tables."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_region import made_buildings, made_ledger, made_region
from test_ranking import criteria

import pvplanner as pvp
from pvplanner.errors import ConfigError, InputError
from pvplanner.region import ranking, read_region, sets
from pvplanner.region.config import Rank
from pvplanner.region.criteria import own_table, read_musts, take_criteria
from pvplanner.region.looking import Places
from pvplanner.region.measures import FIGURES
from pvplanner.region.naming import Called
from pvplanner.region.page import rank_page
from pvplanner.region.sheets import rank_facts
from pvplanner.region.survey import survey_region


def look(path, place):
    return survey_region(read_region(path), place, lambda *told: None)


def twins(count: int = 3, each: int = 3):
    """Villages of which the last two have one name under two codes."""
    every = made_buildings(count, each)
    last = f"V{count - 1}"
    return every.assign(village=every["village"].replace(last, f"V{count - 2}"))


def sampled(tmp_path, text, buildings=None):
    (tmp_path / "s.csv").write_text(text, "utf-8")
    return made_region(tmp_path, buildings, region='sample = "s.csv"', ledger=False)


def test_a_sample_is_told_by_code_where_a_name_comes_twice(tmp_path):
    text = ("village,division_code,stratum,weight\nV0,330212210100,a,2\n"
            "V1,330212210200,b,3\nV1,330212210300,b,4\n")  # fmt: skip
    survey = look(sampled(tmp_path, text, twins()), tmp_path / "o")
    assert {u.division_code: (u.weight, u.stratum) for u in survey.units} == {
        "330212210100": (2.0, "a"), "330212210200": (3.0, "b"), "330212210300": (4.0, "b"),
    }  # fmt: skip
    # One village for several of its stratum: how much they differ is not known, and said.
    (found,) = [f for f in survey.findings if f.code == "region_sample_lone"]
    assert found.doubtful
    assert found.params["names"] == "a"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("village,weight\nV0,2\nV1,2\n", "region_sample_lacks", "V2"),
        ("village,weight\nV0,2\nV1,0.4\nV2,1\n", "region_sample_row", "row 3"),
        ("village,weight\nV0,2\nV1,many\nV2,1\n", "region_sample_row", "many"),
        ("village,weight\nV0,2\nV1,2\nV2,1\nV1,2\n", "region_table_twice", "row 5"),
        ("village,weight\nV0,2\nV1,2\nV2,1\nV7,2\n", "village_unknown", "V7"),
        ("village,code,weight\nV0,1,2\nV1,,2\nV2,,1\n", "village_unknown", "1/V0"),
    ],
)
def test_a_sample_that_leaves_a_doubt_is_refused(tmp_path, text, code, told):
    with pytest.raises(InputError) as error:
        look(sampled(tmp_path, text), tmp_path / "o")
    assert error.value.code == code
    assert told in str(error.value)


def test_a_name_of_two_villages_is_no_row_of_a_sample(tmp_path):
    with pytest.raises(InputError, match="330212210200"):
        look(sampled(tmp_path, "village,weight\nV0,2\nV1,2\n", twins()), tmp_path / "o")


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("[scenarios.base]\nfinance.capex_per_w = 9.0\n", "region_scenario_base"),
        ("name,finance.capex_per_w\nbase,3.9\n", "region_scenario_base"),
        ("name,finance.capex_per_w\n,3.9\n", "region_scenario_blank"),
        ("name,finance.capex_per_w\na,3.9\na ,3.8\n", "region_scenario_twice"),
    ],
)
def test_scenarios_have_names_of_their_own(tmp_path, rest, code):
    listed = rest.startswith("name,")
    path = made_region(tmp_path, rest="" if listed else rest)
    if listed:
        (tmp_path / "list.csv").write_text(rest, "utf-8")
        path.write_text('scenarios = "list.csv"\n' + path.read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigError) as error:
        read_region(path)
    assert error.value.code == code


def test_cells_of_a_list_of_scenarios_may_be_per_cent(tmp_path):
    text = "name,finance.discount_rate,system.losses\n s1 ,5%,0.1\n2026,0.04,20 %\n"
    (tmp_path / "list.csv").write_text(text, "utf-8")
    path = made_region(tmp_path)
    path.write_text('scenarios = "list.csv"\n' + path.read_text("utf-8"), "utf-8")
    region = read_region(path)
    assert list(region.scenarios) == ["base", "s1", "2026"]
    assert region.scenario("s1").finance.discount_rate == 0.05
    assert region.scenario("2026").finance.discount_rate == 0.04
    assert region.scenario("2026").system.losses == 0.2


@pytest.mark.parametrize("suffix", [".parquet", ".fgb"])
def test_codes_that_a_file_holds_as_numbers_are_their_digits(tmp_path, suffix):
    every = twins()
    every["division_code"] = every["division_code"].astype(float)
    path = made_region(tmp_path, every)
    if suffix == ".fgb":
        every.to_file(tmp_path / "b.fgb", engine="pyogrio")
        path.write_text(path.read_text("utf-8").replace("b.parquet", "b.fgb"), "utf-8")
    table = made_ledger(every).assign(division_code=every["division_code"].map("{:.0f}".format))
    table.to_csv(tmp_path / "h.csv", index=False)
    more = "[[village]]\ndivision_code = 330212210300\nfinance.capex_per_w = 9.0\n"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    survey = look(path, tmp_path / "o")
    assert [u.key for u in survey.units] == [
        "330212210100/V0", "330212210200/V1", "330212210300/V1",
    ]  # fmt: skip
    assert not survey.findings
    region = read_region(path)
    assert [region.own(u) for u in survey.units] == [{}, {}, {"finance.capex_per_w": 9.0}]


def test_names_are_one_in_full_and_half_width_and_others_are_told(tmp_path):
    every = made_buildings().replace({"village": {"V0": "Ｖ０", "V1": "V1 "}})
    path = made_region(tmp_path, every)
    table = made_ledger(made_buildings())
    table["village"] = table["village"].replace("V2", "V-2")
    table.to_csv(tmp_path / "h.csv", index=False)
    survey = look(path, tmp_path / "o")
    assert [u.name for u in survey.units] == ["V1", "V2", "Ｖ０"]
    (found,) = survey.findings
    assert (found.code, found.count) == (
        "region_ledger_lost",
        int((table["village"] == "V-2").sum()),
    )
    assert found.params["names"] == "V-2 (~ V2)"


def test_villages_of_one_name_are_ranked_and_told_apart(tmp_path):
    rest = "[rank]\nchoose = 1\n[rank.weights]\nincome_per_household = 1\nenergy_kwh = 1\n"
    path = made_region(tmp_path, twins(), rest=rest)
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    # What a suggestion may name is what a village's row has.
    numbers = [c for c in results.villages if pd.api.types.is_numeric_dtype(results.villages[c])]
    assert tuple(c for c in numbers if c != "weight") == FIGURES
    made = results.rank()
    facts = rank_facts(results.about, made, "en")
    names = [row["village"] for row in facts["rows"]]
    assert sorted(names) == ["V0", "V1 (330212210200)", "V1 (330212210300)"]
    assert [row[0] for row in facts["table"]] == names
    assert len(facts["changes"]) == 2
    assert "V1 (330212210300)" in rank_page(results.about, made)
    about = (tmp_path / "o/columns.csv").read_text("utf-8")
    assert "First-year energy sold" in about


def test_own_tables_hold_numbers_parts_flags_and_blanks():
    table = pd.DataFrame({
        "village": ["A", "B", "C"], "rebuilt": ["0.12", "—", "5 %"], "free": ["不详", "30", "40"],
        "historic": ["否", "是", None],
    })  # fmt: skip
    own = own_table(table, ["A", "B", "C"])
    np.testing.assert_allclose(own["rebuilt"].astype(float), [0.12, np.nan, 0.05])
    np.testing.assert_allclose(own["free"].astype(float), [np.nan, 30, 40])
    assert own["historic"].tolist() == [False, True, None]
    rows = pd.DataFrame({"division_code": "", "village": ["A", "B"], "connectable_kw": 1.0})
    common = pd.DataFrame({"division_code": "", "village": ["A"], "component": ["x"],
                           "shared": [0.1], "own": 0.0})  # fmt: skip
    odd = own_table(pd.DataFrame({"village": ["A", "B"], "kind": ["1", "hill"]}), ["A", "B"])
    with pytest.raises(ConfigError) as error:
        take_criteria(rows, common, odd, {"kind": 1.0})
    # The cell that is wrong is named, and not the first one.
    assert "hill" in str(error.value)
    assert "B" in error.value.where
    with pytest.raises(ConfigError, match="rebuilt"):
        take_criteria(rows, common, own.iloc[:2], {"rebuild": 1.0})


def test_conditions_as_people_write_them():
    table = pd.DataFrame({"consent": [0.5, 0.9], "rate": [46.0, 66.0], "homes": [1.0, 80.0]},
                         index=["A", "B"])  # fmt: skip
    for text in ("consent ≥ 0.6", "consent＞60%", "consent >= 60 %"):
        (must,), names = read_musts([text], table)
        assert (must.holds(table), names) == ([False, True], [])
    with pytest.raises(ConfigError) as error:
        read_musts(["rate >= 0.5"], table)
    assert error.value.code == "region_must_percent"
    # A column in which small numbers stand is none of per cent.
    assert read_musts(["homes >= 1"], table)[0][0].holds(table) == [True, True]
    mixed = table.assign(rate=[0.4, 66.0])
    assert read_musts(["rate >= 0.5"], mixed)[0][0].holds(mixed) == [False, True]
    told = criteria([[1.0], [2.0], [3.0]])
    with pytest.raises(ConfigError) as error:
        sets.ask(told, Rank(choose=1, weights={"c0": 1.0}, must=["V0", "V1"]))
    assert error.value.code == "region_must_many"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.booleans())
def test_what_would_have_to_change_is_what_brings_a_village_in(seed, budget):
    rng = np.random.default_rng(seed)
    told = criteria(rng.uniform(0.1, 10, (7, 3)), table={"investment": rng.uniform(1, 5, 7)})
    rank = Rank(choose=3, weights={"c0": 1.0, "c1": 2.0, "c2": -1.0},
                budget=11.0 if budget else None)  # fmt: skip

    def picked(values):
        other = dataclasses.replace(told, values=values)
        question = sets.ask(other, rank)
        return sets.best_sets(question, sets.scores_of(other, question, rank, values)[None])[0]

    question = sets.ask(told, rank)
    picks = picked(told.values)
    scores = sets.scores_of(told, question, rank, told.values)
    gaps = ranking._gaps(question, scores, picks)
    out = [n for n in range(7) if not picks[n] and question.allowed[n]]
    for row in ranking._changes(told, question, rank, out, gaps).itertuples():
        n, k = int(row.village[1:]), int(row.criterion[1:])
        up = rank.weights[row.criterion] > 0
        values = told.values.copy()
        if np.isnan(row.needed):
            span = float(np.ptp(told.values[question.allowed, k]))
            values[n, k] = values[n, k] + ranking.FAR * span if up else 0.0
            assert not picked(values)[n] or budget
            continue
        values[n, k] = row.needed
        assert picked(values)[n]
        values[n, k] = row.needed - 1e-6 * (1 if up else -1) * abs(row.needed - row.value)
        assert not picked(values)[n] or row.needed == pytest.approx(row.value, rel=1e-6)


@given(
    rows=st.lists(st.tuples(st.sampled_from(["", "1", "2"]), st.sampled_from(["", "A", "B"]),
                            st.sampled_from([0.0, 1.0, 5.0, np.nan])), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)  # fmt: skip
def test_places_are_counted_and_bounded_batch_by_batch(rows, cuts):
    code, name, west = (np.array([row[k] for row in rows], dtype=t)
                        for k, t in enumerate((object, object, float)))  # fmt: skip
    bounds = np.column_stack([west, west + 1, west + 2, west + 3]).reshape(-1, 4)
    places, which = Places(), []
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for begin, end in itertools.pairwise(edges):
        part = slice(begin, end)
        which.append(places.add(code[part], name[part], bounds[part]))
    keys = list(places.numbers)
    assert [keys[n] for n in np.concatenate(which)] == [row[:2] for row in rows]
    told = places.table().set_index(["code", "name"])
    assert int(told["count"].sum()) == len(rows)
    frame = pd.DataFrame({"code": code, "name": name, "west": west})
    for key, own in frame.groupby(["code", "name"]):
        assert told.loc[key, "count"] == len(own)
        np.testing.assert_array_equal(told.loc[key, "west"], own["west"].min())
        np.testing.assert_array_equal(told.loc[key, "north"], own["west"].max() + 3)


PAREN = {"V0": "新村（北）", "V1": "新村（南）"}
"""Names as townships write them: in full width."""


@pytest.mark.parametrize("form", ["column", "files", "boundaries"])
def test_names_are_shown_as_written_and_found_however_they_are_spelt(tmp_path, form):
    every = made_buildings().replace({"village": PAREN})
    path = made_region(tmp_path, every, ledger=form == "column")
    text = path.read_text("utf-8")
    if form == "files":
        for name, rows in every.groupby("village"):
            rows.drop(columns=["village", "division_code"]).to_file(tmp_path / f"{name}.gpkg")
        text = 'language = "en"\n[region]\nbuildings = "*.gpkg"\n[base]\n'
    if form == "boundaries":
        outlines = every.dissolve("village").buffer(100).envelope.to_frame("geometry").reset_index()
        codes = every.groupby("village")["division_code"].first().astype(float)
        outlines["division_code"] = outlines["village"].map(codes)
        outlines.to_file(tmp_path / "borders.gpkg")
        every.drop(columns=["village", "division_code"]).to_parquet(tmp_path / "b.parquet")
        text = ('language = "en"\n[region]\nbuildings = "b.parquet"\nboundaries = "borders.gpkg"\n'
                "[base]\n")  # fmt: skip
    more = "".join(f'[[village]]\nname = "{n}"\nfinance.capex_per_w = {c}\n'
                   for n, c in (("新村（北）", 9.0), ("新村(南)", 8.0)))  # fmt: skip
    path.write_text(text + more, "utf-8")
    region = read_region(path)
    survey = look(path, tmp_path / "o")
    assert [u.name for u in survey.units] == ["V2", "新村（北）", "新村（南）"]
    assert not [f for f in survey.findings if f.code == "region_ledger_lost"]
    own = [region.own(u).get("finance.capex_per_w") for u in survey.units]
    assert own == [None, 9.0, 8.0]
    if form == "boundaries":
        assert [u.division_code for u in survey.units] == [
            "330212210300", "330212210100", "330212210200",
        ]  # fmt: skip
        assert all(u.outline for u in survey.units)
    keys = [u.key for u in survey.units]
    for spelt in ("新村（北）", "新村(北)", " 新村（北)"):
        assert Called(keys).find(spelt) == [keys[1]]
        told = own_table(pd.DataFrame({"村": [spelt], "x": [1.0]}), keys)
        assert told["x"].notna().tolist() == [False, True, False]
        assert read_musts([spelt], pd.DataFrame({"x": 1.0}, index=keys))[1] == [keys[1]]


def test_a_name_of_several_villages_is_asked_about_wherever_it_stands():
    keys = ["1/A", "2/A", "3/B"]
    table = pd.DataFrame({"x": 1.0}, index=keys)
    assert Called(keys).find("A", "2") == Called(keys).find("2/A") == Called(keys).find("2")
    assert Called(keys).find("B", "9") == []
    assert Called(["A"]).find("A", "9") == ["A"]
    with pytest.raises(ConfigError, match="1/A, 2/A"):
        read_musts(["A"], table)
    with pytest.raises(InputError, match="1/A, 2/A"):
        own_table(pd.DataFrame({"village": ["A"], "x": [1]}), keys)
    told = own_table(pd.DataFrame({"village": ["A", "A"], "code": [2.0, 1.0], "x": [5, 6]}), keys)
    assert told.columns.tolist() == ["x"]
    np.testing.assert_array_equal(told["x"], [6, 5, np.nan])


def test_cells_of_a_list_are_of_the_kind_of_their_key(tmp_path):
    text = ("name,site.division_code,site.dsm,tariff.market_path,finance.life_years,"
            "site.synthetic\na,330212210100,ｄ（1）.tif,low,20,TRUE\nb,,,high,5 %,\n")  # fmt: skip
    (tmp_path / "list.csv").write_text(text.replace("5 %", "25"), "utf-8")
    (tmp_path / "ｄ（1）.tif").write_bytes(b"")
    path = made_region(tmp_path)
    path.write_text('scenarios = "list.csv"\n' + path.read_text("utf-8"), "utf-8")
    told = read_region(path).scenarios
    assert told["a"]["site.division_code"] == "330212210100"
    # A file is called what it is called.
    assert told["a"]["site.dsm"].endswith("ｄ（1）.tif")
    assert (told["a"]["finance.life_years"], told["b"]["finance.life_years"]) == (20, 25)
    assert told["a"]["site.synthetic"] is True
    (tmp_path / "list.csv").write_text("name,finance.capex_per_w\n\na,3\n,4\n", "utf-8")
    with pytest.raises(ConfigError) as error:
        read_region(path)
    assert error.value.where == "list.csv, row 4"


def test_a_cost_that_is_no_number_is_named():
    some = criteria([[1.0], [2.0]], table={"投资": ["12", None]}).table
    np.testing.assert_array_equal(sets.cost_of(some), [12, np.nan])
    told = criteria([[1.0], [2.0]], table={"投资": ["12", "twelve"]})
    with pytest.raises(ConfigError) as error:
        sets.ask(told, Rank(choose=1, weights={"c0": 1.0}, budget=9.0))
    assert error.value.code == "region_cell"
    assert "V1" in error.value.where
