"""The ledger and its join: shares sum to one, nothing is lost on the way."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pvplanner as pvp
from pvplanner.buildings import join_households

HEAD = "household_id,building_id,share,household_name,consumption_kwh,income_today,low_income\n"


def ledger(folder, rows: str, name="ledger.csv", encoding="utf-8", head=HEAD):
    path = folder / name
    path.write_text(head + rows, encoding=encoding)
    return path


def test_many_to_many(tmp_path):
    path = ledger(tmp_path, "H1,A;B,,王一,1000,,是\nH2,B,,李二,,,否\n")
    households, links = pvp.read_households(path)
    every, shares, findings = join_households(pd.Series(["A", "B", "C"]), households, links)
    of = shares.set_index(["building_id", "household_id"])["share"]
    assert of["A", "H1"] == 1
    assert of["B", "H1"] == of["B", "H2"] == 0.5
    assert of["C", "C"] == 1
    assert list(every["household_id"]) == ["H1", "H2", "C"]
    assert [f.code for f in findings] == ["buildings_without_household"]


def test_stated_shares_and_unmatched_rows(tmp_path):
    path = ledger(tmp_path, "H1,A,0.6,,,,\nH2,A,0.4,,,,\nH3,Z,,,,,\n")
    households, links = pvp.read_households(path)
    _, shares, findings = join_households(pd.Series(["A"]), households, links)
    assert list(shares["share"]) == [0.6, 0.4]
    assert {f.code for f in findings} == {
        "ledger_buildings_unmatched",
        "ledger_households_unmatched",
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("H1,A,0.6,,,,\nH2,A,0.6,,,,\n", "sum to 1.200"),
        ("H1,A,0.6,,,,\nH2,A,,,,,\n", "sum to"),
        ("H1,A,,,,,\nH1,A,,,,,\n", "twice"),
    ],
)
def test_shares_that_do_not_add_up_are_refused(tmp_path, rows, said):
    households, links = pvp.read_households(ledger(tmp_path, rows))
    with pytest.raises(pvp.InputError, match=said):
        join_households(pd.Series(["A"]), households, links)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("H1,A,,,-5,,\n", "row 2, consumption_kwh"),
        ("H1,A,,,,,\nH2,B,,,many,,\n", "row 3, consumption_kwh"),
        (",A,,,,,\n", "row 2"),
        ("H1,A,,,,,perhaps\n", "low_income"),
    ],
)
def test_impossible_values_are_refused_by_row(tmp_path, rows, said):
    with pytest.raises(pvp.InputError, match=said):
        pvp.read_households(ledger(tmp_path, rows))


def test_gb18030_and_chinese_headers(tmp_path):
    path = ledger(
        tmp_path, "1,A,张三,2500\n", encoding="gb18030", head="户号,房屋编号,户主,年用电量\n"
    )
    households, _ = pvp.read_households(path)
    assert households["household_name"].iloc[0] == "张三"
    assert households["consumption_kwh"].iloc[0] == 2500


def test_xlsx_and_mapped_columns(tmp_path):
    table = pd.DataFrame({"编号": ["H1"], "房": ["A"], "电": ["1,250"]})
    table.to_excel(tmp_path / "ledger.xlsx", index=False)
    columns = {"编号": "household_id", "房": "building_id", "电": "consumption_kwh"}
    households, links = pvp.read_households(tmp_path / "ledger.xlsx", columns=columns)
    assert households["consumption_kwh"].iloc[0] == 1250
    assert links["building_id"].iloc[0] == "A"


def test_missing_columns_are_named(tmp_path):
    path = ledger(tmp_path, "x,y\n", head="a,b\n")
    with pytest.raises(pvp.InputError, match="household_id, building_id"):
        pvp.read_households(path)


def test_no_ledger_makes_every_building_its_own(tmp_path):
    every, shares, findings = join_households(pd.Series(["A", "B"]))
    assert list(every["household_id"]) == ["A", "B"]
    assert list(shares["share"]) == [1, 1]
    assert findings == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), unique=True, max_size=20))
def test_shares_sum_to_one_for_every_building(pairs):
    ids = pd.Series([f"B{n}" for n in range(7)])
    links = pd.DataFrame(pairs, columns=["h", "b"], dtype=object)
    links = pd.DataFrame(
        {
            "household_id": [f"H{h}" for h in links["h"]],
            "building_id": [f"B{b}" for b in links["b"]],
            "share": pd.Series([float("nan")] * len(links), dtype=float),
        }
    ).astype({"household_id": "string", "building_id": "string"})
    known = sorted(set(links["household_id"]))
    households = pd.DataFrame(
        {
            "household_id": pd.Series(known, dtype="string"),
            "household_name": pd.Series([None] * len(known), dtype="string"),
            "consumption_kwh": pd.Series([1.0] * len(known), dtype=float),
            "income_today": pd.Series([1.0] * len(known), dtype=float),
            "low_income": pd.Series([None] * len(known), dtype="boolean"),
            "hamlet": pd.Series([None] * len(known), dtype="string"),
        }
    )
    every, shares, _ = join_households(ids, households, links)
    sums = shares.groupby("building_id")["share"].sum()
    assert sums.reindex(ids).to_numpy() == pytest.approx([1.0] * 7)
    assert set(shares["household_id"]) <= set(every["household_id"])


def test_contradictions_totals_and_strangers(tmp_path):
    with pytest.raises(pvp.InputError, match=r"row 3, household_name.*H1"):
        pvp.read_households(ledger(tmp_path, "H1,A,,王一,,,\nH1,B,,李二,,,\n"))
    households, _ = pvp.read_households(
        ledger(tmp_path, "H1,A,60%,王一,１８５０度,,\n\n合计,,,,999999,,\nH2,A,0.4,,,,\n")
    )
    assert households["household_id"].tolist() == ["H1", "H2"]
    assert households["consumption_kwh"].iloc[0] == 1850
    assert [f.code for f in households.attrs["findings"]] == [
        "columns_read",
        "ledger_totals",
        "values_converted",
        "values_converted",
    ]
    strangers, links = pvp.read_households(ledger(tmp_path, "H1,la0001,,,,,\n"))
    with pytest.raises(pvp.InputError, match="la0001"):
        join_households(pd.Series(["LA0001"]), strangers, links)
    with pytest.raises(pvp.InputError, match="no rows"):
        pvp.read_households(ledger(tmp_path, ""))


def test_a_remark_beside_a_household_is_no_row_of_totals(tmp_path):
    head = "household_id,household_name,building_id,consumption_kwh,备注,grid_account\n"
    rows = (
        "H1,甲,B1,1800,两户合计,0331\nH2,乙,B2,2000,Total,3.3E+17\n"
        "H3,丙,B3,1600,average,2023-01-02 00:00:00\n11,,,5400,合计,\n合计,,,5400,,\n"
    )
    (tmp_path / "l.csv").write_text(head + rows, encoding="utf-8")
    households, _ = pvp.read_households(tmp_path / "l.csv")
    assert households["household_id"].tolist() == ["H1", "H2", "H3"]
    found = {f.code: f for f in households.attrs["findings"]}
    assert found["ledger_totals"].params["rows"] == "5, 6"
    # An account that a spreadsheet cut stops nothing, and is asked about.
    assert found["accounts_spoilt"].count == 2
    assert found["accounts_spoilt"].doubtful
    assert "3.3E+17" in found["accounts_spoilt"].text("en")


def test_a_heading_on_every_page_says_the_same_or_is_asked_about(tmp_path):
    head = "户号,建筑编号,年用电量(度)\n"
    rows = "H1,B1,1800\n户号,建筑编号,年用电量(度)\nH2,B2,2000\n"
    (tmp_path / "l.csv").write_text(head + rows, encoding="utf-8")
    households, _ = pvp.read_households(tmp_path / "l.csv")
    assert households["household_id"].tolist() == ["H1", "H2"]
    found = {f.code: f for f in households.attrs["findings"]}
    assert (found["ledger_headings"].count, found["ledger_headings"].params["rows"]) == (1, "3")
    # Units of a row of their own: the second page repeats the heading alone.
    apart = "户号,建筑编号,年用电量\n,,度\nH1,B1,1800\n户号,建筑编号,年用电量\nH2,B2,2000\n"
    (tmp_path / "u.csv").write_text(apart, encoding="utf-8")
    assert len(pvp.read_households(tmp_path / "u.csv")[0]) == 2
    other = rows.replace("户号,建筑编号,年用电量(度)", "户号,建筑编号,年用电量(万度)").replace(
        "2000", "0.2"
    )
    (tmp_path / "l.csv").write_text(head + other, encoding="utf-8")
    with pytest.raises(pvp.InputError, match=r"row 3.*年用电量\(万度\).*年用电量\(度\)"):
        pvp.read_households(tmp_path / "l.csv")


def test_numbers_may_carry_units_commas_and_per_cent(tmp_path):
    rows = 'H1,A,60%,,"1,200 kWh",9000元,YES\nH2,A,40%,,800度,,n\nH3,B,,,"2,000KWH",,\n'
    households, links = pvp.read_households(ledger(tmp_path, rows))
    assert list(links["share"])[:2] == [0.6, 0.4]
    assert list(households["consumption_kwh"]) == [1200, 800, 2000]
    assert households["income_today"].iloc[0] == 9000
    flags = households["low_income"]
    assert flags.iloc[0]
    assert not flags.iloc[1]
    assert pd.isna(flags.iloc[2])


@pytest.mark.parametrize("column", ["consumption_kwh", "income_today"])
def test_per_cent_is_for_shares_alone(tmp_path, column):
    told = {"consumption_kwh": "H1,A,,,50%,,\n", "income_today": "H1,A,,,,50%,\n"}[column]
    with pytest.raises(pvp.InputError, match=rf"row 2, {column}.*50%"):
        pvp.read_households(ledger(tmp_path, told))


@pytest.mark.parametrize("word", ["yes", "Y", "true", "1", "是", "低保", "低收入"])
def test_words_for_low_income(tmp_path, word):
    households, _ = pvp.read_households(ledger(tmp_path, f"H1,A,,,,,{word}\n"))
    assert households["low_income"].tolist() == [True]


@pytest.mark.parametrize("word", ["no", "N", "false", "0", "否"])
def test_words_for_not_low_income(tmp_path, word):
    households, _ = pvp.read_households(ledger(tmp_path, f"H1,A,,,,,{word}\n"))
    assert households["low_income"].tolist() == [False]


def test_shares_are_scaled_to_one_within_the_tolerance(tmp_path):
    rows = "H1,A,0.333,,,,\nH2,A,0.333,,,,\nH3,A,0.333,,,,\n"
    households, links = pvp.read_households(ledger(tmp_path, rows))
    _, shares, _ = join_households(pd.Series(["A"]), households, links)
    assert shares["share"].tolist() == pytest.approx([1 / 3] * 3, abs=1e-15)


def test_one_side_of_a_ledger_alone_is_no_ledger(tmp_path):
    households, links = pvp.read_households(ledger(tmp_path, "H1,A,,,,,\n"))
    for told in ((households, None), (None, links)):
        every, _, findings = join_households(pd.Series(["A"]), *told)
        assert every["household_id"].tolist() == ["A"]
        assert findings == []


def test_whose_building_it_is(tmp_path):
    """A household of the ledger is no building that stands for itself, and the other way round."""
    households, links = pvp.read_households(ledger(tmp_path, "H1,A,,,,,\nB,A,,,,,\n"))
    every, shares, _ = join_households(pd.Series(["A", "B"]), households, links)
    assert every["household_id"].tolist() == ["H1", "B", "B (own)"]
    assert every["own_building"].tolist() == [False, False, True]
    assert shares["share"].tolist() == [0.5, 0.5, 1.0]


def test_messages_name_the_first_few(tmp_path):
    rows = "".join(f"H{n},Z{n},,,,,\n" for n in range(14))
    households, links = pvp.read_households(ledger(tmp_path, rows))
    with pytest.raises(pvp.InputError) as caught:
        join_households(pd.Series([f"A{n}" for n in range(9)]), households, links)
    assert "Z0, Z1, Z2 (+11)" in str(caught.value)
    assert "A0, A1, A2 (+6)" in str(caught.value)
    _, _, found = join_households(pd.Series([*(f"A{n}" for n in range(11)), "Z0"]),
                                  households, links)  # fmt: skip
    told = {f.code: f.text("en") for f in found}
    assert "(+3)" in told["ledger_buildings_unmatched"]
    assert "(+1)" in told["buildings_without_household"]
