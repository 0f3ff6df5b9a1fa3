"""Readings against the plan: forms of files, what can't be true, faults with their cause, entries."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest
from calling import run
from made_years import FAULTS, plant, sound
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.metering import compare_days, find_faults, read_generation
from pvplanner.tracking import expected_days, sigma_of, track, tracked_days
from pvplanner.tracking import parse_period as period_of


def parse_period(said):
    asked = period_of(said)
    return asked.begin, asked.end


def found_right(seed: int, cause: str) -> bool:
    """Whether a planted fault is found with its cause first or second, and nothing else beside."""
    held, rng = sound(seed)
    where = held.roofs[plant(held, cause, rng)]
    told = find_faults(held)
    mine = told[told["id"].isin(where)]
    named = [(cause in pair) for pair in zip(mine["cause"], mine["second"], strict=True)]
    return sum(named) >= 0.6 * len(where) and len(told) - len(mine) <= 1


@pytest.mark.parametrize("cause", FAULTS)
def test_planted_faults_are_found_with_their_cause(cause):
    assert sum(found_right(seed, cause) for seed in range(100, 103)) == 3


@pytest.mark.long
@pytest.mark.parametrize("cause", FAULTS)
def test_planted_faults_are_found_in_twenty_seeds(cause):
    assert sum(found_right(seed, cause) for seed in range(20)) >= 18


def test_sound_villages_stay_quiet():
    assert [len(find_faults(sound(seed)[0])) for seed in range(6)] == [0] * 6


@pytest.mark.long
def test_sound_villages_stay_quiet_in_twenty_seeds():
    assert max(len(find_faults(sound(seed)[0])) for seed in range(20)) <= 1


def test_a_fault_says_what_was_lost_and_since_when():
    held, _ = sound(7, homes=60)
    held.measured[200:, 9] *= 0.5
    row = find_faults(held).iloc[0]
    assert (row["id"], row["cause"]) == ("H0009", "dead_string")
    lost = np.nansum(held.expected[200:, 9]) * 0.5
    assert row["lost_kwh"] == pytest.approx(lost, rel=0.1)
    assert abs((row["since"] - held.days[200]).days) <= 3


def test_a_swap_names_its_partner_and_loses_nothing():
    held, rng = sound(8, homes=60)
    one, other = plant(held, "swapped", rng)
    told = find_faults(held).set_index("id")
    assert told.loc[held.roofs[one], "partner"] == held.roofs[other]
    assert told.loc[held.roofs[other], "partner"] == held.roofs[one]
    assert told["lost_kwh"].sum() == 0


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_forms_of_one_day_are_the_same_energy(tmp_path):
    """Days, hours, mean powers, 96 points and a dial: 24 kWh a day each."""
    days = pd.date_range("2027-05-01", periods=4, freq="D")
    forms = {
        "days.csv": "户号,日期,发电量(kWh)\n" + "".join(f"A,{d:%Y-%m-%d},24\n" for d in days),
        "hours.csv": "account,time,kwh\n" + "".join(
            f"A,{t:%Y-%m-%d %H:%M},1\n" for t in pd.date_range(days[0], periods=96, freq="h")),
        "power.csv": "account,time,kW\n" + "".join(
            f"A,{t:%Y-%m-%d %H:%M},1\n" for t in pd.date_range(days[0], periods=384, freq="15min")),
        "points.csv": "户号,数据日期," + ",".join(f"p{k}" for k in range(1, 97)) + "\n" + "".join(
            f"A,{d:%Y-%m-%d}," + ",".join(["1"] * 96) + "\n" for d in days),
        "dial.csv": "account,date,示数\n" + "".join(
            f"A,{d:%Y-%m-%d},{1000 + 24 * n}\n"
            for n, d in enumerate(pd.date_range("2027-04-30", periods=5))),
        "mwh.csv": "account,date,发电量(MWh)\n" + "".join(f"A,{d:%Y%m%d},0.024\n" for d in days),
    }  # fmt: skip
    for name, text in forms.items():
        read = read_generation([written(tmp_path, name, text)])
        table = read.days()
        assert table["A"].tolist() == pytest.approx([24.0] * 4), name
        assert list(table.index) == list(days), name
        assert read.problems.empty, name


def test_files_as_offices_send_them_are_the_same(tmp_path):
    """A title above, totals below, GBK, semicolons, separators, a workbook, blanks in points."""
    import openpyxl

    days = [f"2027-05-0{n}" for n in range(1, 4)]
    rows = [("H001", d, "1,234.5") for d in days]
    plain = "户号,日期,发电量(kWh)\n" + "".join(f'{h},{d},"{v}"\n' for h, d, v in rows)
    forms = {"plain.csv": plain.encode(), "gbk.csv": plain.encode("gbk"),
             "title.csv": ("二〇二七年五月发电量\n" + plain + '合计,,"3,703.5"\n').encode(),
             "semi.csv": ("户号;日期;发电量(kWh)\n" + "".join(f"{h};{d};1234,5\n" for h, d, _ in rows)).encode()}  # fmt: skip
    book = openpyxl.Workbook()
    for line in [
        ("户号", "日期", "发电量(kWh)"),
        *((h, dt.datetime.fromisoformat(d), 1234.5) for h, d, _ in rows),
    ]:
        book.active.append(line)
    book.save(tmp_path / "book.xlsx")
    for name, body in forms.items():
        (tmp_path / name).write_bytes(body)
    for name in [*forms, "book.xlsx"]:
        read = read_generation([tmp_path / name])
        assert read.days()["H001"].tolist() == [1234.5] * 3, name
        assert read.problems.empty, name
    head = "户号,日期," + ",".join(f"p{k}" for k in range(1, 25)) + "\n"
    body = (
        head
        + "H001,2027-05-01,"
        + ",".join(["1"] * 24)
        + "\nH001,2027-05-02,"
        + ",".join(["1"] * 23)
        + ",\n合计,,"
        + ",".join(["2"] * 24)
        + "\n"
    )
    for name, encoding in (("p.csv", "utf-8"), ("pg.csv", "gbk")):
        (tmp_path / name).write_bytes(body.encode(encoding))
        read = read_generation([tmp_path / name])
        assert read.days()["H001"].dropna().tolist() == [24.0], name
        assert read.problems["kind"].tolist() == ["missing"], name


def test_monthly_totals_are_held_against_the_plan_too(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, *parse_period("2026-10"))
    text = "household_id,month,kwh\n" + "".join(
        f"{h},2026-10,{due[h].sum() * (0.6 if n == 1 else 1):.3f}\n" for n, h in enumerate(due)
    )
    told = track(made, meter=written(tmp_path, "m.csv", text), period="2026-10").roofs.set_index(
        "household_id"
    )
    assert told["ratio"].to_numpy() == pytest.approx([1, 0.6, 1, 1, 1, 1, 1, 1], abs=1e-4)
    assert told["cause"].tolist() == ["", "always_low", *[""] * 6]
    assert told["lost_kwh"].iloc[1] == pytest.approx(0.4 * due.iloc[:, 1].sum(), rel=1e-3)


def test_before_the_connection_nothing_is_expected(plan, tmp_path):
    made, _ = plan
    file = written(tmp_path, "m.csv", "household_id,date,kwh\nB1,2025-05-01,3\n")
    with pytest.raises(pvp.ConfigError, match="2025-05"):
        track(made, meter=file, period="2025-05")


def test_one_that_cant_be_true_beside_one_that_can_leaves_the_day_unknown(tmp_path):
    text = "account,date,kwh\nA,2027-05-01,-3\nA,2027-05-01,11\nB,2027-05-01,5\n"
    read = read_generation([written(tmp_path, "d.csv", text)])
    assert read.days()["A"].isna().all()
    assert read.problems["kind"].tolist() == ["negative", "contradiction"]


def test_months_are_spans(tmp_path):
    read = read_generation(
        [written(tmp_path, "m.csv", "account,month,kwh\nA,2027-05,900\nA,202706,800\n")]
    )
    assert read.spans["kwh"].tolist() == [900, 800]
    assert [
        (a.day, b.day) for a, b in zip(read.spans["first"], read.spans["last"], strict=True)
    ] == [(1, 31), (1, 30)]
    assert read.days().empty


def test_what_cant_be_true_is_listed_with_its_row_and_never_filled(tmp_path):
    text = ("account,date,kwh\nA,2027-05-01,10\nA,2027-05-02,-3\nA,2027-05-03,11\nA,2027-05-03,11\n"
            "A,2027-05-04,12\nA,2027-05-04,13\nA,2027-05-05,x\n")  # fmt: skip
    read = read_generation([written(tmp_path, "d.csv", text)])
    told = {
        k: (v, r)
        for k, v, r in zip(
            read.problems["kind"], read.problems["day"].dt.day, read.problems["row"], strict=True
        )
    }
    assert told == {
        "negative": (2, 3),
        "duplicate": (3, 5),
        "contradiction": (4, 7),
        "unread": (5, 8),
    }
    days = read.days()["A"]
    assert days.dropna().to_dict() == {
        pd.Timestamp("2027-05-01"): 10,
        pd.Timestamp("2027-05-03"): 11,
    }


def test_a_dial_runs_over_and_one_steps_back(tmp_path):
    text = ("account,date,示数\nA,2027-05-01,99980\nA,2027-05-02,99995\nA,2027-05-03,12\nA,2027-05-04,30\n"
            "B,2027-05-01,500\nB,2027-05-02,520\nB,2027-05-03,400\nB,2027-05-04,415\n")  # fmt: skip
    read = read_generation([written(tmp_path, "d.csv", text)])
    assert read.days()["A"].tolist() == [15, 17, 18]
    assert read.days()["B"].tolist() == [20, pytest.approx(np.nan, nan_ok=True), 15]
    assert read.problems["kind"].tolist() == ["rolled_over", "stepped_back"]


def test_a_day_with_a_gap_is_unknown(tmp_path):
    hours = pd.date_range("2027-05-01", periods=48, freq="h")
    text = "account,time,kwh\n" + "".join(
        f"A,{t:%Y-%m-%d %H:%M},1\n" for n, t in enumerate(hours) if n != 30
    )
    read = read_generation([written(tmp_path, "h.csv", text)])
    assert read.days()["A"].dropna().tolist() == [24]
    assert read.problems["kind"].tolist() == ["missing"]


@pytest.mark.parametrize(
    ("text", "missing"), [("a,b\n1,2\n", "account"), ("account,date\nA,2027-05-01\n", "kwh")]
)
def test_a_file_without_its_columns_is_refused(tmp_path, text, missing):
    with pytest.raises(pvp.InputError, match=missing):
        read_generation([written(tmp_path, "x.csv", text)])


@pytest.mark.parametrize(
    ("said", "begin", "end"),
    [("2027-05", "2027-05-01", "2027-05-31"), ("2027-05-03", "2027-05-03", "2027-05-03"),
     ("2027-05-03..2027-05-17", "2027-05-03", "2027-05-17"), ("2027-01..2027-12", "2027-01-01", "2027-12-31"),
     ("2027", "2027-01-01", "2027-12-31")],
)  # fmt: skip
def test_periods(said, begin, end):
    assert parse_period(said) == (pd.Timestamp(begin), pd.Timestamp(end))


@pytest.mark.parametrize(
    "said", ["May", "20270", "2027-13", "2027-05-17..2027-05-03", "2025-01..2027-12"]
)
def test_periods_that_are_none_are_refused(said):
    with pytest.raises(pvp.ConfigError):
        parse_period(said)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("track")
    path = write_village(folder, hamlet(8), 'province = "Zhejiang"\n')
    made = pvp.plan_village(pvp.Scenario.from_toml(path))
    made.save(folder / "plan")
    return made, folder / "plan"


def test_a_typical_year_is_the_plans_own(plan):
    made, _ = plan
    year = expected_days(made, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-12-31"))
    homes = made.households.set_index(made.households["household_id"].astype(str))
    kept = made.terms.kept.ravel()[0]
    assert year.sum().to_numpy() == pytest.approx(
        homes.loc[year.columns, "energy_kwh"].to_numpy(dtype=float) * kept, rel=1e-4
    )


def test_months_are_the_plans_own_shade_and_all_and_need_no_inputs(tmp_path):
    """A saved plan whose files are gone is as good as any."""
    inputs = tmp_path / "in"
    inputs.mkdir()
    village = hamlet(6)
    village["height_m"] = [4.0, 14.0, 4.0, 12.0, 4.0, 9.0]
    made = pvp.plan_village(
        pvp.Scenario.from_toml(write_village(inputs, village, 'province = "Zhejiang"\n'))
    )
    made.save(tmp_path / "plan")
    shutil.rmtree(inputs)
    held = pvp.Plan.load(tmp_path / "plan")
    assert held.energy["shading_loss"].max() > 0.01
    year = expected_days(held, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-12-31"))
    months = year.sum(axis=1).groupby(year.index.month).sum()
    planned = [held.energy[f"energy_kwh_{m:02d}"].sum() for m in range(1, 13)]
    assert months.to_numpy() == pytest.approx(
        np.array(planned) * held.terms.kept.ravel()[0], rel=1e-6
    )


def meter(folder, due, name="meter.csv", factor=1.0):
    rows = [
        f"{home},{day:%Y-%m-%d},{value * factor:.6f}"
        for home in due
        for day, value in due[home].items()
    ]
    return written(folder, name, "household_id,date,kwh\n" + "\n".join(rows))


def test_a_month_as_planned_is_as_planned(plan, tmp_path):
    made, _ = plan
    begin, end = parse_period("2026-05")
    due = expected_days(made, begin, end)
    told = track(made, meter=meter(tmp_path, due), period="2026-05")
    assert told.roofs["ratio"].to_numpy() == pytest.approx(1, abs=1e-6)
    assert told.roofs["cause"].eq("").all()
    assert told.roofs["measured_kwh"].sum() == pytest.approx(due.to_numpy().sum(), rel=1e-6)
    low, high = (
        told.roofs[f"expected_{n}_kwh"] / told.roofs["expected_kwh"] for n in ("low", "high")
    )
    assert (1 - low).to_numpy() == pytest.approx((high - 1).to_numpy())
    assert sigma_of(made, measured=True) < sigma_of(made, measured=False)


def test_a_measured_fortnight_is_enough(plan, tmp_path):
    """361 hours: fifteen whole days are known, the sixteenth is not."""
    made, _ = plan
    typical = (
        made.result("year").data if hasattr(made.result("year"), "data") else made.result("year")
    )
    hours = pd.date_range("2026-05-03", periods=361, freq="h")
    start = int((hours[0] - pd.Timestamp("2026-01-01")).total_seconds() // 3600)
    rows = typical[["ghi", "dni", "dhi", "temp_air", "wind_speed"]].to_numpy(dtype=float)[
        start : start + 361
    ]
    lines = [
        f"{t:%Y-%m-%d %H:%M},{','.join(f'{v:.3f}' for v in r)}"
        for t, r in zip(hours, rows, strict=True)
    ]
    file = written(tmp_path, "sky.csv", "time,ghi,dni,dhi,temp_air,wind_speed\n" + "\n".join(lines))
    begin, end = parse_period("2026-05-03..2026-05-18")
    measured = expected_days(made, begin, end, file)
    plain = expected_days(made, begin, end)
    known = measured.notna().all(axis=1)
    assert known.sum() == 15
    assert not known.iloc[-1]
    assert (measured[known].sum() / plain[known].sum()).to_numpy() == pytest.approx(1, abs=0.03)
    brighter = file.read_text("utf-8").splitlines()
    half = [
        brighter[0],
        *(
            ",".join(
                [
                    c.split(",")[0],
                    *(f"{float(v) / 2:.3f}" for v in c.split(",")[1:4]),
                    *c.split(",")[4:],
                ]
            )
            for c in brighter[1:]
        ),
    ]
    dim = expected_days(made, begin, end, written(tmp_path, "dim.csv", "\n".join(half)))
    assert (dim[known].sum() / measured[known].sum()).to_numpy() == pytest.approx(0.5, abs=0.05)


def test_entries_are_kept_and_corrected_with_a_reason(plan, tmp_path):
    made, folder = plan
    begin, end = parse_period("2026-06")
    due = expected_days(made, begin, end)
    first = track(folder, meter=meter(tmp_path, due), period="2026-06")
    assert first.entry == "2026-06"
    with pytest.raises(pvp.ConfigError, match="2026-06"):
        track(folder, meter=meter(tmp_path, due), period="2026-06")
    again = track(
        folder, meter=meter(tmp_path, due, factor=0.9), period="2026-06", reason="meter read anew"
    )
    assert again.entry == "2026-06.2"
    track(
        folder,
        meter=meter(tmp_path, expected_days(made, *parse_period("2026-07")), "july.csv"),
        period="2026-07",
    )
    days = tracked_days(folder)
    june = days[days["day"].dt.month == 6]
    assert set(june["entry"]) == {"2026-06.2"}
    assert june["measured_kwh"].sum() == pytest.approx(0.9 * due.to_numpy().sum(), rel=1e-6)
    assert days["measured_kwh"].sum() == pytest.approx(
        sum(days.groupby("entry")["measured_kwh"].sum())
    )
    # The entry before is as it was written.
    old = pd.read_parquet(folder / "track" / "2026-06" / "days.parquet")
    assert old["measured_kwh"].sum() == pytest.approx(due.to_numpy().sum(), rel=1e-6)


def test_accounts_are_matched_and_strangers_named(plan, tmp_path):
    made, _ = plan
    begin, end = parse_period("2026-08")
    due = expected_days(made, begin, end)
    names = {home: f"330{n:07d}" for n, home in enumerate(due.columns)}
    file = meter(tmp_path, due.rename(columns=names))
    with pytest.raises(pvp.InputError):
        track(made, meter=file, period="2026-08")
    pairs = "电网户号,household_id\n" + "\n".join(f"{a},{h}" for h, a in list(names.items())[1:])
    told = track(made, meter=file, period="2026-08", match=written(tmp_path, "match.csv", pairs))
    codes = {f.code: f.count for f in told.findings if f.code.startswith("track_")}
    assert codes == {"track_unmatched": 1, "track_silent": 1}
    assert told.roofs["days_known"].tolist().count(31) == len(names) - 1


def test_ranges_and_ratios_are_over_days_that_both_know():
    days = pd.date_range("2027-05-01", periods=40)
    due = pd.DataFrame(10.0, index=days, columns=["a", "b"])
    got = due * 0.97
    got.iloc[5:15, 0] = np.nan
    told = compare_days(got, due, pd.Series(dtype=object), 0.1).set_index("household_id")
    assert told.loc["a", "days_known"] == 30
    assert told.loc["a", "expected_kwh"] == 300
    assert told["ratio"].to_numpy() == pytest.approx(0.97)
    assert told.loc["b", "expected_low_kwh"] == pytest.approx(400 * (1 - 1.2816 * 0.1), rel=1e-4)


def test_the_command_says_what_was_found(plan, tmp_path):
    made, folder = plan
    due = expected_days(made, *parse_period("2026-09"))
    due.iloc[10:20, 2] = 0.0
    file = meter(tmp_path, due, "=sept.csv")
    out = tmp_path / "roofs.csv"
    done = run("track", str(folder), "--meter", str(file), "--period", "2026-09", "-o", str(out),
               "--language", "en")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "8 households" in done.stdout
    assert f"{due.columns[2]}: outage" in done.stdout
    assert "since 2026-09-11" in done.stdout
    rows = pd.read_csv(out)
    assert len(rows) == 8
    again = run("track", str(folder), "--meter", str(file), "--period", "2026-09")
    assert again.returncode == 2
    assert "2026-09" in again.stderr
    assert (folder / "track" / "2026-09" / "entry.json").is_file()


def test_no_word_of_the_tables_is_missing():
    from pvplanner.metering.against import COLUMNS
    from pvplanner.metering.faults import CAUSES
    from pvplanner.metering.spans import PROBLEMS
    from pvplanner.words import texts

    wanted = [f"tracked_{c}" for c in COLUMNS] + [f"cause_{c}" for c in CAUSES]
    wanted += [f"reading_{p}" for p in PROBLEMS]
    for language in ("zh", "en"):
        assert [w for w in wanted if w not in texts(language)] == []


def codes(found):
    return {f.code: f.count for f in found.findings if f.code.startswith("track_")}


def test_several_meters_of_an_account_sum_where_all_are_known(tmp_path):
    text = ("户号,逆变器,日期,发电量\nA,i1,2027-05-01,10\nA,i2,2027-05-01,5\n"
            "A,i1,2027-05-02,11\nB,i3,2027-05-01,7\n")  # fmt: skip
    read = read_generation([written(tmp_path, "d.csv", text)])
    assert read.problems.empty
    days = read.days()
    assert days["A"].iloc[0] == 15
    assert np.isnan(days["A"].iloc[1])
    assert days["B"].iloc[0] == 7
    first = pd.Timestamp("2027-05-01")
    assert read.sums(first, first).to_dict() == {"A": 15, "B": 7}


def test_a_night_without_points_is_nought_and_a_day_without_is_a_gap(tmp_path):
    heads = "户号,日期," + ",".join(f"p{k}" for k in range(1, 25)) + "\n"
    lit = ["2" if 7 <= k < 18 else "" for k in range(24)]
    hole = [*lit]
    hole[11] = ""
    text = heads + f"A,2027-05-01,{','.join(lit)}\nA,2027-05-02,{','.join(hole)}\n"
    read = read_generation([written(tmp_path, "p.csv", text)])
    assert read.days()["A"].tolist() == [22, pytest.approx(np.nan, nan_ok=True)]


def test_a_dial_at_midnight_closes_the_day_before(tmp_path):
    text = "account,time,示数\n" + "".join(
        f"A,2027-05-0{n} 00:00,{100 + 10 * n}\n" for n in range(1, 4)
    )
    read = read_generation([written(tmp_path, "d.csv", text)])
    assert read.days()["A"].to_dict() == {pd.Timestamp(f"2027-05-0{n}"): 10 for n in (1, 2)}


def test_a_span_of_several_days_between_days_is_said(tmp_path):
    days = [1, 2, 3, 4, 7, 8, 9]
    text = "account,date,示数\n" + "".join(f"A,2027-05-0{n},{10 * n}\n" for n in days)
    read = read_generation([written(tmp_path, "d.csv", text)])
    assert read.problems[["kind", "value"]].to_numpy().tolist() == [["several_days", 30]]
    monthly = read_generation([written(tmp_path, "m.csv", "account,month,kwh\nA,2027-05,900\n")])
    assert monthly.problems.empty


def test_account_numbers_that_a_spreadsheet_spoilt(plan, tmp_path):
    """Zeros cut off at the front are found again; digits that are gone are not guessed."""
    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    names = {home: f"003300{n:04d}" for n, home in enumerate(due.columns)}
    pairs = "电网户号,household_id\n" + "".join(f"{a},{h}\n" for h, a in names.items())
    match = written(tmp_path, "match.csv", pairs)
    bare = meter(tmp_path, due.rename(columns={h: a.lstrip("0") for h, a in names.items()}))
    told = track(made, meter=bare, match=match, period="2026-08")
    assert told.roofs["days_known"].eq(31).all()
    lost = written(tmp_path, "lost.csv", "户号,日期,发电量\n3.3010012E+09,2026-08-01,5\n")
    assert read_generation([lost]).problems["kind"].tolist() == ["unread"]


def test_one_account_of_two_households_is_refused(plan, tmp_path):
    made, _ = plan
    homes = made.households["household_id"].astype(str).tolist()
    file = written(tmp_path, "m.csv", "户号,日期,发电量\n77,2026-08-01,5\n")
    pairs = written(tmp_path, "p.csv", f"电网户号,household_id\n77,{homes[0]}\n77,{homes[1]}\n")
    with pytest.raises(pvp.InputError, match="77"):
        track(made, meter=file, match=pairs, period="2026-08")


def test_more_than_the_sky_has_is_unknown_and_said(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    due.iloc[4, 1] *= 40
    told = track(made, meter=meter(tmp_path, due), period="2026-08")
    assert told.problems["kind"].tolist() == ["impossible"]
    assert told.problems["row"].tolist() == [2 + 31 + 4]
    assert told.roofs["days_known"].tolist() == [31, 30, *[31] * 6]
    assert told.roofs["ratio"].to_numpy() == pytest.approx(1, abs=1e-6)
    assert codes(told) == {"track_gaps": 1}


def test_another_unit_is_left_out_of_the_sum_and_what_it_lost_is_not_known(plan, tmp_path):
    from pvplanner.tracking.lines import lines_of

    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    due.iloc[:, 3] *= 1000
    told = track(made, meter=meter(tmp_path, due), period="2026-08")
    row = told.roofs.iloc[3]
    assert (row["cause"], row["second_cause"]) == ("wrong_unit", "")
    assert np.isnan(row["lost_kwh"])
    assert "7 households" in lines_of(told, "en")[0]
    assert "100.0%" in lines_of(told, "en")[0]
    assert told.problems.empty


def test_a_whole_village_in_another_unit_or_low_is_said(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    for factor, code in ((1000, "track_village_unit"), (0.5, "track_village_off")):
        told = track(made, meter=meter(tmp_path, due, factor=factor), period="2026-08")
        assert code in codes(told), factor
    told = track(made, meter=meter(tmp_path, due, factor=0.95), period="2026-08")
    assert codes(told) == {}


def test_dark_days_of_all_and_households_below_their_range_are_named(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    due.iloc[10] = 0.0
    due.iloc[:9, 2] *= 0.15
    told = track(made, meter=meter(tmp_path, due), period="2026-08")
    said = {f.code: f.params["ids"] for f in told.findings if "ids" in f.params}
    assert said["track_dark"] == "2026-08-11"
    low = told.roofs[told.roofs["measured_kwh"] < told.roofs["expected_low_kwh"]]
    assert [due.columns[2]] == low["household_id"].tolist()
    assert (low["cause"].iloc[0] != "") or said["track_below"] == due.columns[2]


def test_few_households_have_no_neighbours_and_it_is_said(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, *parse_period("2026-08")).iloc[:, :3]
    told = track(made, meter=meter(tmp_path, due), period="2026-08")
    assert codes(told) == {"track_few": 3, "track_silent": 5}


def test_after_its_life_nothing_is_expected(plan):
    made, _ = plan
    late = expected_days(made, *parse_period("2070-01"))
    assert late.isna().all(axis=None)


def test_days_may_not_be_entered_twice_without_a_reason(plan, tmp_path):
    made, folder = plan
    own = tmp_path / "plan"
    shutil.copytree(folder, own, ignore=shutil.ignore_patterns("track"))
    due = expected_days(made, *parse_period("2026-10"))
    file = meter(tmp_path, due)
    track(own, meter=file, period="2026-10-01..2026-10-31")
    for again in ("2026-10", "2026-10-05..2026-11-03", "2026-10-31"):
        for reason in ("", "  "):
            with pytest.raises(pvp.ConfigError, match="2026-10"):
                track(own, meter=file, period=again, reason=reason)
    only = due.iloc[:, :1] * 0.5
    fixed = track(
        own, meter=meter(tmp_path, only, "one.csv"), period="2026-10-03", reason="read anew"
    )
    assert fixed.entry == "2026-10-03"
    days = tracked_days(own).set_index(["household_id", "day"])["measured_kwh"]
    expected = due.copy()
    expected.iloc[2, 0] *= 0.5
    # A correction changes only what it names.
    assert days.sum() == pytest.approx(expected.to_numpy().sum(), rel=1e-6)
    assert len(days) == due.size


def test_the_map_shows_the_last_period_by_roof(plan, tmp_path):
    from pvplanner.mapping.data import page_data
    from pvplanner.mapping.measured import ratio_of_roofs

    made, folder = plan
    own = tmp_path / "plan"
    shutil.copytree(folder, own, ignore=shutil.ignore_patterns("track"))
    assert pvp.last_measured(own) is None
    for month, low in (("2026-10", 1.0), ("2026-11", 0.7)):
        due = expected_days(made, *parse_period(month))
        due.iloc[:, 2] *= low
        track(own, meter=meter(tmp_path, due.iloc[:, :7]), period=month)
    last = pvp.last_measured(own)
    assert last.period == "2026-11"
    ids = made.buildings["building_id"]
    ratio = pd.Series(ratio_of_roofs(made, last, ids), index=ids.astype(str))
    homes = made.shares.astype({"household_id": str}).set_index("household_id")["building_id"]
    named = expected_days(made, *parse_period("2026-11")).columns
    assert ratio[homes[named[:7]]].to_numpy() == pytest.approx([1, 1, 0.7, 1, 1, 1, 1], abs=1e-6)
    assert np.isnan(ratio[homes[named[7]]])
    data, _, _ = page_data(made, "zh", internal=False, measured=last)
    assert "measured_ratio" in [m["key"] for m in data["measures"]]
    assert "2026-11" in data["texts"]["en"]["measured_ratio"]
    data, _, _ = page_data(made, "zh", internal=False)
    assert "measured_ratio" not in [m["key"] for m in data["measures"]]
    done = run("map", str(own), "-o", str(tmp_path / "m.html"))
    assert done.returncode == 0, done.stderr
    assert "measured_ratio" in (tmp_path / "m.html").read_text("utf-8")


def test_a_roof_of_several_households_is_what_they_make_together():
    from types import SimpleNamespace

    from pvplanner.mapping.measured import Measured, ratio_of_roofs

    shares = pd.DataFrame(
        {"building_id": ["A", "A", "B", "C"], "household_id": ["1", "2", "2", "3"]}
    )
    homes = pd.DataFrame({"household_id": ["1", "2", "3"], "measured_kwh": [50.0, 300.0, np.nan],
                          "expected_kwh": [100.0, 300.0, 80.0]})  # fmt: skip
    made = SimpleNamespace(shares=shares)
    found = ratio_of_roofs(made, Measured("x", homes), pd.Series(["C", "A", "B"]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0.875, 1.0]


def test_meters_of_a_transformer_and_of_all_are_held_against_their_roofs(plan, tmp_path):
    from pvplanner.tracking.grouped import compare_groups
    from pvplanner.tracking.lines import lines_of

    made, _ = plan
    due = expected_days(made, *parse_period("2026-08"))
    rows = "".join(f"collective,{d:%Y-%m-%d},{v * 0.9:.4f}\n" for d, v in due.sum(axis=1).items())
    file = written(tmp_path, "m.csv", "account,date,kwh\n" + rows)
    told = track(made, meter=file, period="2026-08")
    assert told.roofs.empty
    assert told.groups[["group_id", "days_known"]].to_numpy().tolist() == [["collective", 31]]
    assert told.groups["ratio"].iloc[0] == pytest.approx(0.9, abs=1e-4)
    assert "90.0%" in "\n".join(lines_of(told, "en"))
    assert codes(told) == {}
    match = written(tmp_path, "match.csv", "电网户号,household_id\n77,collective\n")
    month = written(tmp_path, "t.csv", f"户号,月份,发电量\n77,2026-08,{due.to_numpy().sum():.3f}\n")
    again = track(made, meter=month, match=match, period="2026-08")
    assert again.groups["ratio"].iloc[0] == pytest.approx(1, abs=1e-5)
    both = meter(tmp_path, due)
    told = track(made, meter=[both, month], match=match, period="2026-08")
    assert told.roofs["days_known"].eq(31).all()
    assert told.groups["ratio"].iloc[0] == pytest.approx(1, abs=1e-5)
    group = pd.Series(["T1"] * 3 + ["T2"] * 5, index=due.columns)
    read = read_generation([written(tmp_path, "g.csv", "account,date,kwh\n" + "".join(
        f"T1,{d:%Y-%m-%d},{v:.4f}\n" for d, v in due.iloc[:, :3].sum(axis=1).items()))])  # fmt: skip
    found = compare_groups(read, {"T1": "T1"}, due, group, period_of("2026-08"))
    assert found["ratio"].tolist() == pytest.approx([1], abs=1e-5)


def test_readings_over_the_months_ends_are_brought_to_it_only_where_asked(plan, tmp_path):
    made, _ = plan
    due = expected_days(made, pd.Timestamp("2026-07-20"), pd.Timestamp("2026-09-10"))
    edges = pd.to_datetime(["2026-07-24", "2026-08-12", "2026-09-05"])
    rows = ["account,date,示数"]
    for home in due.columns[:7]:
        dial = due[home].cumsum()
        rows += [f"{home},{d:%Y-%m-%d},{1000 + dial[d]:.4f}" for d in edges]
    file = written(tmp_path, "dial.csv", "\n".join(rows))
    with pytest.raises(pvp.InputError):
        track(made, meter=file, period="2026-08")
    told = track(made, meter=file, period="2026-08", prorate=True)
    month = due["2026-08-01":"2026-08-31"].sum()
    assert told.roofs["measured_kwh"].to_numpy()[:7] == pytest.approx(
        month.to_numpy()[:7], rel=1e-4
    )
    assert codes(told)["track_prorated"] == 7
    gap = written(tmp_path, "gap.csv", "\n".join(r for r in rows if "2026-09" not in r))
    with pytest.raises(pvp.InputError):
        track(made, meter=gap, period="2026-08", prorate=True)


def test_a_column_that_is_blank_for_all_by_day_is_a_gap_and_no_night(tmp_path):
    heads = "户号,日期," + ",".join(f"p{k}" for k in range(1, 25)) + "\n"
    lit = ["2" if 7 <= k < 18 else "" for k in range(24)]
    lit[11] = ""
    text = heads + f"A,2027-05-01,{','.join(lit)}\nB,2027-05-01,{','.join(lit)}\n"
    read = read_generation([written(tmp_path, "p.csv", text)])
    assert read.days().isna().all(axis=None)
    assert read.problems["kind"].tolist() == ["missing"] * 2


@pytest.mark.parametrize("ends", [False, True])
def test_portals_that_leave_out_the_night_have_whole_days(tmp_path, ends):
    hours = range(7, 18)
    shift = 1 if ends else 0
    rows = [f"A,2027-05-0{d} {h + shift:02d}:00,2" for d in (1, 2) for h in hours]
    whole = "account,time,kwh\n" + "\n".join(rows)
    assert read_generation([written(tmp_path, "w.csv", whole)]).days()["A"].tolist() == [22, 22]
    holed = "account,time,kwh\n" + "\n".join(r for n, r in enumerate(rows) if n != 15)
    read = read_generation([written(tmp_path, "h.csv", holed)])
    assert read.days()["A"].tolist() == [22, pytest.approx(np.nan, nan_ok=True)]
    assert read.problems["kind"].tolist() == ["missing"]
    twice = read_generation([written(tmp_path, "t.csv", whole + f"\n{rows[3]}")])
    assert twice.problems["kind"].tolist() == ["contradiction"]


def test_point_rows_of_several_meters_and_spoilt_accounts(tmp_path):
    heads = "户号,逆变器,日期," + ",".join(f"p{k}" for k in range(1, 25)) + "\n"
    day = ",".join(["1"] * 24)
    rows = (f"{whose},2027-05-01,{day}" for whose in ("A,i1", "A,i2", "3.3010012E+09,i3"))
    text = heads + "\n".join(rows)
    read = read_generation([written(tmp_path, "p.csv", text)])
    assert read.days()["A"].tolist() == [48]
    assert read.problems["kind"].tolist() == ["unread"]


@pytest.mark.parametrize(
    ("text", "month"),
    [("2027-05", "2027-05"), ("202705", "2027-05"), ("2027/5", "2027-05"), ("2027年5月", "2027-05"),
     ("2027-13", None), ("May", None), ("20270531", "2027-05")],
)  # fmt: skip
def test_months_as_people_write_them(text, month):
    from pvplanner.reading import parse_months

    found = parse_months(pd.Series([text])).iloc[0]
    assert (None if pd.isna(found) else found) == month


@pytest.mark.parametrize("day", [6, 11, 18])
def test_a_string_that_dies_within_a_month_is_no_roof_that_was_always_low(day):
    held, _ = sound(5, homes=60, days=31)
    held.measured[day:, 20] *= 0.5
    row = find_faults(held).iloc[0]
    assert (row["id"], row["cause"]) == ("H0020", "dead_string")
    assert abs((row["since"] - held.days[day]).days) <= 2
    held, _ = sound(5, homes=60, days=31)
    held.measured[:, 20] *= 0.7
    assert find_faults(held)["cause"].tolist() == ["always_low"]
