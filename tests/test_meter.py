"""Meters of every interval, unit and form, with sums that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helps import codes
from spoils import (
    day_shape,
    meter_rows,
)

import pvplanner as pvp
from pvplanner.demand import read_meter

# --- meters ---------------------------------------------------------------------------------------

YEAR_KWH = 8 * 365


def write_meter(tmp_path, rows, name="meter.csv", encoding="utf-8") -> Path:
    (tmp_path / name).write_bytes(rows.to_csv(index=False).encode(encoding))
    return tmp_path / name


@pytest.mark.parametrize("step", [60, 30, 15])
def test_energies_of_parts_of_an_hour_add_up(tmp_path, step):
    meter = read_meter(write_meter(tmp_path, meter_rows(step)))
    assert meter.sum().tolist() == pytest.approx([YEAR_KWH, 0.7 * YEAR_KWH], rel=1e-4)
    day = day_shape(1440 // step).reshape(24, -1).sum(axis=1)
    assert meter["H1"].to_numpy()[:24] == pytest.approx(day, abs=1e-4)


@pytest.mark.parametrize(
    ("first", "step"), [(0.0, 60), (15_234.0, 15), (98_500.0, 60), (9_990.0, 15)]
)
def test_a_dial_is_read_by_its_differences(tmp_path, first, step):
    rows = meter_rows(step)
    before = rows.groupby("household_id")["kwh"].cumsum() - rows["kwh"]
    modulus = 10_000 if first == 9_990.0 else 100_000
    dial = ((before + first) % modulus).round(4)
    meter = read_meter(write_meter(tmp_path, rows.assign(kwh=dial)))
    assert meter.sum().tolist() == pytest.approx([YEAR_KWH, 0.7 * YEAR_KWH], rel=1e-3)
    assert any(c.startswith("meter_register") for c in codes(meter.attrs["findings"]))


def test_a_dial_that_falls_back_is_no_rollover(tmp_path):
    rows = meter_rows()
    dial = rows.groupby("household_id")["kwh"].cumsum().reset_index(drop=True)
    dial[5000:8760] -= 1500
    with pytest.raises(pvp.InputError, match=r"row 5002, H1: the dial goes back"):
        read_meter(write_meter(tmp_path, rows.assign(kwh=dial.to_numpy())))


UNITS_OF = {
    "电量(Wh)": 1000.0,
    "kwh": 1.0,
    "用电量（度）": 1.0,
    "energy [MWh]": 0.001,
    "Wh": 1000.0,
}


@pytest.mark.parametrize("heading", UNITS_OF)
def test_the_unit_of_a_heading_is_used(tmp_path, heading):
    rows = meter_rows(scale=UNITS_OF[heading]).rename(columns={"kwh": heading})
    meter = read_meter(write_meter(tmp_path, rows))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-3)


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "Wh"), (0.001, "MWh")])
def test_a_use_that_no_household_has_is_refused_unless_the_unit_is_stated(tmp_path, scale, unit):
    path = write_meter(tmp_path, meter_rows(scale=scale))
    with pytest.raises(pvp.InputError, match=rf"no household's use.*{unit}"):
        read_meter(path)
    meter = read_meter(path, unit=unit)
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-3)
    with pytest.raises(pvp.ConfigError, match="no unit 'furlong'"):
        read_meter(path, unit="furlong")


def test_power_is_energy_over_time(tmp_path):
    rows = meter_rows(15)
    power = rows.assign(kwh=rows["kwh"] * 4).rename(columns={"kwh": "功率(kW)"})
    assert read_meter(write_meter(tmp_path, power))["H2"].sum() == pytest.approx(
        0.7 * YEAR_KWH, rel=1e-4
    )
    stated = read_meter(write_meter(tmp_path, rows.assign(kwh=rows["kwh"] * 4)), unit="kW")
    assert stated["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-4)


@pytest.mark.parametrize(
    "count", [96, *(pytest.param(n, marks=pytest.mark.long) for n in (24, 48))]
)
@pytest.mark.parametrize("form", ["p{n}", "p{n:02d}", "P{n:03d}", "clock"])
def test_days_of_points_in_any_spelling(tmp_path, count, form):
    if form == "clock":
        step = 1440 // count
        names = [f"{n * step // 60:02d}:{n * step % 60:02d}" for n in range(count)]
    else:
        names = [form.format(n=n) for n in range(1, count + 1)]
    day = day_shape(count) * count / 24
    days = pd.date_range("2023-01-01", periods=365).strftime("%Y%m%d")
    rows = pd.DataFrame(np.tile(day, (365, 1)), columns=names).assign(户号="H1", 日期=days)
    meter = read_meter(write_meter(tmp_path, rows, encoding="gb18030"))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-9)
    assert meter["H1"].to_numpy()[:24] == pytest.approx(day.reshape(24, -1).mean(axis=1))


@pytest.mark.parametrize("first", [0, 1])
def test_a_day_and_an_hour_in_columns_of_their_own(tmp_path, first):
    rows = meter_rows()
    times = pd.to_datetime(rows["time"])
    hours = (times.dt.hour + first).astype(str)
    split = rows.assign(日期=times.dt.strftime("%Y-%m-%d"), 小时=hours).drop(columns="time")
    right = read_meter(write_meter(tmp_path, rows, "right.csv"))
    assert read_meter(write_meter(tmp_path, split)).to_numpy() == pytest.approx(right.to_numpy())


@pytest.mark.parametrize("step", [30, *(pytest.param(n, marks=pytest.mark.long) for n in (60, 15))])
@pytest.mark.parametrize("stand", ["begin", "middle", "end"])
def test_stamps_at_either_end_are_the_same_year(tmp_path, step, stand):
    rows = meter_rows(step)
    shift = {"begin": 0, "middle": step / 2, "end": step}[stand]
    late = pd.to_datetime(rows["time"]) + pd.Timedelta(minutes=shift)
    moved = rows.assign(time=late.dt.strftime("%Y-%m-%d %H:%M:%S"))
    right = read_meter(write_meter(tmp_path, rows, "right.csv"))
    meter = read_meter(write_meter(tmp_path, moved))
    assert meter.to_numpy() == pytest.approx(right.to_numpy(), abs=1e-9)


BAD_METERS = {
    "a day apart": (lambda r: r.iloc[::24], "1440 minutes apart"),
    "no stamps": (lambda r: r.assign(time="soon"), r"row 2: the time 'soon'"),
    "no household": (lambda r: r.assign(household_id=""), "row 2, household_id: a reading has no"),
    "no columns": (lambda r: r.rename(columns={"kwh": "x1", "time": "y"}), "lacks.*columns are"),
    "ids cut": (lambda r: r.assign(household_id="3.30212E+17"), "15 digits"),
    "negative": (lambda r: r.assign(kwh=-1), r"row 2, H1: '-1' at 2023-01-01 00:00"),
    "twice": (lambda r: pd.concat([r.iloc[:9], r.iloc[8:]]), "comes twice"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_METERS)
def test_bad_meters_name_row_value_and_what_to_do(tmp_path, kind):
    make, said = BAD_METERS[kind]
    with pytest.raises(pvp.InputError, match=said) as found:
        read_meter(write_meter(tmp_path, make(meter_rows())))
    assert "meter.csv" in str(found.value)
    assert found.value.text("zh") != found.value.text("en")


def test_one_household_in_another_unit_is_doubted(tmp_path):
    rows = meter_rows()
    more = pd.concat([rows, rows.assign(household_id=rows["household_id"] + "b")])
    odd = more.assign(kwh=more["kwh"].where(more["household_id"] != "H2b", more["kwh"] * 1000))
    meter = read_meter(write_meter(tmp_path, odd))
    told = next(f for f in meter.attrs["findings"] if f.code == "meter_odd")
    assert told.doubtful
    assert "H2b" in told.params["households"]
    # What one household uses is not for the public edition.
    assert "H2b" not in told.text("zh", public=True)


def points(values: np.ndarray, **more) -> pd.DataFrame:
    names = [f"p{n}" for n in range(1, 97)]
    days = pd.date_range("2023-01-01", periods=365).strftime("%Y%m%d")
    return pd.DataFrame(values, columns=names).assign(户号="H1", 日期=days, **more)


def test_a_column_of_units_is_obeyed(tmp_path):
    energy = np.tile(day_shape(96), (365, 1))
    meter = read_meter(write_meter(tmp_path, points(energy, 单位="kWh")))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH)
    assert read_meter(write_meter(tmp_path, points(energy * 4, 单位="kW")))["H1"].sum() == (
        pytest.approx(YEAR_KWH)
    )
    with pytest.raises(pvp.InputError, match="no unit 'kvarh'"):
        read_meter(write_meter(tmp_path, points(energy, 单位="kvarh")))


def test_days_of_a_dial_are_a_dial(tmp_path):
    dial = 15_234 + np.cumsum(np.tile(day_shape(96), 365)).reshape(365, 96)
    meter = read_meter(write_meter(tmp_path, points(dial.round(4))))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-3)


def test_a_meter_that_stopped_is_doubted(tmp_path):
    rows = meter_rows()
    late = pd.to_datetime(rows["time"]).dt.day_of_year > 166
    meter = read_meter(write_meter(tmp_path, rows.assign(kwh=rows["kwh"].where(~late, 0.0))))
    told = next(f for f in meter.attrs["findings"] if f.code == "meter_flat")
    assert told.doubtful
    assert told.params["households"] == "H1, H2"


@pytest.mark.parametrize("factor", [6.0, 1 / 40])
def test_a_use_that_is_possible_and_unusual_is_doubted(tmp_path, factor):
    meter = read_meter(write_meter(tmp_path, meter_rows(scale=factor)))
    found = [f.code for f in meter.attrs["findings"] if f.doubtful]
    assert found == ["meter_unusual"]
    sound = read_meter(write_meter(tmp_path, meter_rows()))
    assert not [f for f in sound.attrs["findings"] if f.doubtful]
