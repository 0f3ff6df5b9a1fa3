"""Weather: what files say, when the sun stood where, and years made up to match the months."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner import reference
from pvplanner.weather.closure import closure_by_offset

HEAD = (
    "LOCATION,Somewhere,-,CHN,MADE UP,0,30.0,120.0,8.0,10.0\n"
    "DESIGN CONDITIONS,0\nTYPICAL/EXTREME PERIODS,0\nGROUND TEMPERATURES,0\n"
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\nCOMMENTS 1,\nCOMMENTS 2,\n"
    "DATA PERIODS,1,1,Data,Sunday,1/1,12/31\n"
)


def epw(offset_minutes: float = 30.0, year: int = 2005, kind: str = "MADE UP") -> list[str]:
    """Lines of an EPW whose three components close exactly at an offset."""
    hours = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="h", inclusive="left", tz=None)
    zone = hours.tz_localize("Etc/GMT-8")
    sun = pvp.weather.solar_position(zone + pd.Timedelta(minutes=offset_minutes), 30.0, 120.0, 10.0)
    cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    dni = np.where(cosine > 0, 500.0, 0.0)
    dhi = np.where(cosine > 0, 100.0, 0.0)
    ghi = dni * cosine + dhi
    lines = HEAD.replace("MADE UP", kind).splitlines()
    for t, g, n, d in zip(hours, ghi, dni, dhi, strict=True):
        row = [t.year, t.month, t.day, t.hour + 1, 0, "?", 15.0, 5.0, 60, 101325, 9999, 9999, 300]
        row += [round(g, 3), n, d, 0, 0, 0, 0, 180, 2.0, 0, 0, 9999, 99999, 9, 999999999, 99, 0.2,
                0, 88, 0.2, 0, 0]  # fmt: skip
        lines.append(",".join(map(str, row)))
    return lines


def write(folder, lines, encoding="utf-8"):
    path = folder / "made.epw"
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def codes(weather) -> list[str]:
    return [finding.code for finding in weather.findings]


@pytest.mark.parametrize(("offset", "said"), [(30, "usual"), (0, "moved"), (60, "moved")])
def test_closure_finds_when_the_sun_stood_where(tmp_path, offset, said):
    weather = pvp.read_weather(write(tmp_path, epw(offset)))
    assert weather.sun_offset_minutes == offset
    assert f"sun_offset_{said}" in codes(weather)
    assert min(weather.closure, key=weather.closure.get) == offset
    assert weather.closure[offset] < 1
    assert len(weather.data) == 8760
    assert str(weather.data.index[0]) == "1990-01-01 00:00:00+08:00"


def test_offset_and_trust_are_the_users_choice(tmp_path):
    path = write(tmp_path, epw(30))
    given = pvp.read_weather(path, sun_offset_minutes=10, trusted="ghi_dhi")
    assert given.sun_offset_minutes == 10
    cosine = np.cos(np.radians(given.solar_position()["zenith"].to_numpy()))
    closed = given.data["dhi"] + given.data["dni"] * np.maximum(cosine, 0)
    assert closed.to_numpy() == pytest.approx(given.data["ghi"].to_numpy(), abs=1e-6)
    dni_dhi = pvp.read_weather(path, trusted="dni_dhi")
    assert dni_dhi.data["ghi"].sum() == pytest.approx(given.data["ghi"].sum(), rel=1e-3)
    with pytest.raises(pvp.ConfigError, match="auto, all"):
        pvp.read_weather(path, trusted="ghi")


def test_chinese_standard_files_trust_global_and_diffuse(tmp_path):
    weather = pvp.read_weather(write(tmp_path, epw(30, kind="CSWD")))
    assert weather.trusted == "ghi_dhi"
    assert "weather_trusted" in codes(weather)


def test_leap_day_is_dropped_and_reported(tmp_path):
    weather = pvp.read_weather(write(tmp_path, epw(year=2024)))
    assert len(weather.data) == 8760
    assert "leap_day_dropped" in codes(weather)


def test_not_utf8_is_read_and_reported(tmp_path):
    lines = epw()
    lines[0] = lines[0].replace("Somewhere", "Zürich")
    weather = pvp.read_weather(write(tmp_path, lines, "latin-1"))
    assert "Zürich" in weather.source
    assert "weather_encoding" in codes(weather)


def change(lines, row, column, value):
    cells = lines[row].split(",")
    cells[column] = str(value)
    lines[row] = ",".join(cells)


def test_short_gaps_are_filled_and_named_by_row(tmp_path):
    lines = epw()
    for row in (3012, 3013):
        change(lines, row, 6, 99.9)
    change(lines, 4000, 21, 450.0)
    change(lines, 5000, 13, -5.0)
    weather = pvp.read_weather(write(tmp_path, lines))
    assert weather.data["temp_air"].between(14, 16).all()
    found = {f.code: f.params for f in weather.findings}
    assert (
        "3013, 3014" in found["weather_filled"]["rows"] or "4001" in found["weather_filled"]["rows"]
    )
    assert "4001" in found["weather_impossible"]["rows"]
    assert "5001" in found["weather_negative"]["rows"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x: x[:4000], "3992 hours"),
        (lambda x: [*x[:2000], x[2001], x[2000], *x[2002:]], "row 2001"),
        (lambda x: [*x[:3000], x[2999], *x[3001:]], "row 3001"),
        (lambda x: ["LOCATION,X,-,CHN,M,0,95.0,120.0,8.0,10.0", *x[1:]], "not possible"),
        (lambda x: ["LOCATION,X,-,CHN,M,0,30.0,120.0,-5.0,10.0", *x[1:]], "time zone"),
        (lambda x: ["LOCATION,X,-,CHN,M,0,north,120.0,8.0,10.0", *x[1:]], "can't be read"),
        (lambda x: x[:8], "column"),
        (lambda x: ["hello", "world"], "known kind"),
        (lambda x: [""], "known kind"),
    ],
)
def test_broken_files_are_refused_with_the_row(tmp_path, spoil, said):
    with pytest.raises(pvp.InputError, match=said):
        pvp.read_weather(write(tmp_path, spoil(epw())))


def test_long_gaps_and_binary_files_are_refused(tmp_path):
    lines = epw()
    for row in range(3000, 3006):
        change(lines, row, 13, 9999)
    with pytest.raises(pvp.InputError, match=r"row 3001.*6 hours"):
        pvp.read_weather(write(tmp_path, lines))
    (tmp_path / "x.epw").write_bytes(b"\x00\x01\x02" * 100)
    with pytest.raises(pvp.InputError, match="known kind"):
        pvp.read_weather(tmp_path / "x.epw")
    with pytest.raises(pvp.InputError, match="no such file"):
        pvp.read_weather(tmp_path / "nowhere.epw")


def test_sam_csv(tmp_path):
    rows = ["Source,Location ID,City,Latitude,Longitude,Time Zone,Elevation"]
    rows += [
        "X,1,Somewhere,30,120,8,10",
        "Year,Month,Day,Hour,Minute,GHI,DNI,DHI,Temperature,Wind Speed",
    ]
    for t in pd.date_range("1990-01-01", periods=8760, freq="h"):
        light = 100 if 8 <= t.hour <= 15 else 0
        rows.append(f"1990,{t.month},{t.day},{t.hour},15,{light},0,{light},20,2")
    path = tmp_path / "sam.csv"
    path.write_text("\n".join(rows))
    weather = pvp.read_weather(path)
    assert weather.sun_offset_minutes == 15
    assert weather.data["ghi"].sum() == 292000


# --- real files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "ghi", "offset"),
    [
        ("hangzhou_cswd.epw", 1202, -30),
        ("dinghai_cswd.epw", 1343, 0),
        ("shanghai_tmyx.epw", 1471, 0),
        ("singapore_tmy.epw", 1638, 30),
        ("zurich_tmy.epw", 1163, 30),
        ("tokyo_iwec.epw", 1309, 60),
        ("pvgis_tmy_45N_8E.csv", 1436, 10.57),
        ("pvgis_tmy_45N_8E.json", 1436, 10.57),
        ("phoenix_tmy2.csv", 2117, 30),
        ("bad_mannheim_not_utf8.epw", 1183, 54.8),
        ("bad_los_angeles_leap_year.epw", 1985, 30),
    ],
)
def test_shared_files(shared, file, ghi, offset):
    weather = pvp.read_weather(shared / "data" / "weather" / file)
    assert len(weather.data) == 8760
    assert weather.data["ghi"].sum() / 1000 == pytest.approx(ghi, abs=1)
    assert weather.sun_offset_minutes == offset
    assert not weather.data.isna().to_numpy().any()


def test_pvgis_rows_are_in_local_time(shared):
    weather = pvp.read_weather(shared / "data" / "weather" / "pvgis_tmy_45N_8E.csv")
    noon = weather.data["ghi"].groupby(pd.DatetimeIndex(weather.data.index).hour).mean().idxmax()
    assert noon in (11, 12)


# --- the typical year ---------------------------------------------------------------------------


def test_typical_year_has_the_tables_months():
    weather = pvp.typical_year(30.23, 120.17, altitude=41.7)
    table = reference.load("climate")
    own = table[table["site"] == "Hangzhou"].set_index("month")
    month = pd.DatetimeIndex(weather.data.index).month
    sums = weather.data.groupby(month)[["ghi", "dhi"]].sum() / 1000
    assert sums["ghi"].to_numpy() == pytest.approx(own["ghi_kwh_per_m2"].to_numpy(), rel=2e-3)
    assert sums["dhi"].to_numpy() == pytest.approx(own["dhi_kwh_per_m2"].to_numpy(), rel=5e-3)
    temp = weather.data["temp_air"].groupby(month).mean()
    assert temp.to_numpy() == pytest.approx(own["temp_air_c"].to_numpy(), abs=0.05)
    assert weather.synthetic


def test_typical_year_closes_and_is_possible():
    weather = pvp.typical_year(29.72, 121.28)
    data = weather.data
    closure = closure_by_offset(data, weather.latitude, weather.longitude, weather.altitude)
    assert closure[30] < 1.5
    assert (data[["ghi", "dni", "dhi"]] >= -1e-9).to_numpy().all()
    assert data["dni"].max() < 1100
    night = weather.solar_position()["zenith"].to_numpy() > 91
    assert (data.loc[night, "ghi"] == 0).all()
    # Days differ as real ones do: neither all alike nor only black and white.
    days = data["ghi"].to_numpy().reshape(365, 24).sum(axis=1)
    assert 0.3 < days.std() / days.mean() < 0.75


def test_typical_year_is_seeded():
    one, two, other = (pvp.typical_year(30, 120, seed=s).data["ghi"] for s in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(other)
    assert one.sum() == pytest.approx(other.sum())


def test_typical_year_is_refused_far_from_stations(monkeypatch):
    monkeypatch.setitem(sys.modules, "gsee_climate_data", None)
    with pytest.raises(pvp.InputError, match="km away"):
        pvp.typical_year(52.0, 4.4)


# --- series and other formats -------------------------------------------------------------------


def sunny(start="2019-01-01", end="2020-01-01", freq="h", longitude=120.0, zone=8):
    """A made-up series with a sun: naive local stamps at the start of each interval."""
    index = pd.date_range(start, end, freq=freq, inclusive="left")
    step = (index[1] - index[0]) / 2
    utc = (index + step - pd.Timedelta(hours=zone)).tz_localize("UTC")
    sun = pvp.weather.solar_position(utc, 30.0, longitude, 0.0)
    cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    dni, dhi = 600.0 * (cosine > 0), 90.0 * (cosine > 0)
    frame = pd.DataFrame({"ghi": dni * cosine + dhi, "dni": dni, "dhi": dhi}, index=index)
    return frame.assign(temp_air=18.0, wind_speed=2.0)


def plain(folder, frame, head="# latitude: 30\n# longitude: 120\n", name="plain.csv"):
    path = folder / name
    text = frame.rename_axis("time").reset_index().to_csv(index=False)
    path.write_text(head + text, encoding="utf-8")
    return path


def test_plain_csv_and_its_place(tmp_path):
    weather = pvp.read_weather(plain(tmp_path, sunny()))
    assert weather.sun_offset_minutes == 30
    assert weather.closure[30] < 1
    bare = plain(tmp_path, sunny(), head="", name="bare.csv")
    with pytest.raises(pvp.InputError, match="latitude"):
        pvp.read_weather(bare)
    given = pvp.read_weather(bare, latitude=30.0, longitude=120.0)
    assert given.data["ghi"].sum() == pytest.approx(weather.data["ghi"].sum())


def test_ghi_alone_is_decomposed_and_closes(tmp_path):
    weather = pvp.read_weather(plain(tmp_path, sunny()[["ghi", "temp_air"]]))
    assert {"weather_decomposed", "weather_no_wind", "sun_offset_noon"} <= set(codes(weather))
    cosine = np.maximum(np.cos(np.radians(weather.solar_position()["zenith"].to_numpy())), 0)
    closed = weather.data["dhi"] + weather.data["dni"] * cosine
    assert closed.to_numpy() == pytest.approx(weather.data["ghi"].to_numpy(), abs=1e-6)
    assert 0.2 < weather.data["dhi"].sum() / weather.data["ghi"].sum() < 0.9


def test_a_gap_is_told_of_what_the_file_has(tmp_path):
    series = sunny()[["ghi", "temp_air"]]
    series.iloc[100:102] = np.nan
    weather = pvp.read_weather(plain(tmp_path, series))
    told = {f.params["column"] for f in weather.findings if f.code == "weather_filled"}
    assert told == {"ghi", "temp_air"}


def test_two_components_give_the_third(tmp_path):
    weather = pvp.read_weather(plain(tmp_path, sunny().drop(columns="dni")))
    assert weather.trusted == "ghi_dhi"
    strong = weather.data["ghi"] > 300
    assert weather.data.loc[strong, "dni"].mean() == pytest.approx(600, rel=0.06)


def test_quarter_hours_are_averaged(tmp_path):
    fine = pvp.read_weather(plain(tmp_path, sunny(freq="15min")))
    coarse = pvp.read_weather(plain(tmp_path, sunny(), name="h.csv"))
    assert "weather_averaged" in codes(fine)
    assert fine.data["ghi"].sum() == pytest.approx(coarse.data["ghi"].sum(), rel=2e-3)


def test_many_years_give_typical_months_and_their_spread(tmp_path):
    frame = sunny("2015-01-01", "2020-01-01")
    dim = {2015: 0.90, 2016: 0.95, 2017: 1.0, 2018: 1.05, 2019: 1.10}
    for name in ("ghi", "dni", "dhi"):
        frame[name] *= [dim[y] for y in frame.index.year]
    weather = pvp.read_weather(plain(tmp_path, frame))
    found = next(f for f in weather.findings if f.code == "weather_many_years")
    assert "07: 2017" in found.params["months"]
    assert found.params["spread"] == "7.9%"
    assert len(weather.data) == 8760


def nasa_power(frame):
    head = (
        "-BEGIN HEADER-\nNASA/POWER Source Native Resolution Hourly Data\n"
        "Dates (month/day/year): 01/01/2019 through 12/31/2019 in LST\n"
        "Location: Latitude  30.0   Longitude 120.0\n"
        "The value for missing source data: -999\n-END HEADER-\n"
    )
    t = frame.index
    table = pd.DataFrame(
        {"YEAR": t.year, "MO": t.month, "DY": t.day, "HR": t.hour,
         "ALLSKY_SFC_SW_DWN": frame["ghi"].to_numpy(), "ALLSKY_SFC_SW_DNI": frame["dni"].to_numpy(),
         "ALLSKY_SFC_SW_DIFF": frame["dhi"].to_numpy(), "T2M": 18.0, "WS10M": 2.0}
    )  # fmt: skip
    return head, table


def test_nasa_power_csv_and_json(tmp_path):
    import json

    head, table = nasa_power(sunny())
    (tmp_path / "power.csv").write_text(head + table.to_csv(index=False))
    weather = pvp.read_weather(tmp_path / "power.csv")
    assert weather.sun_offset_minutes == 30
    stamps = sunny().index.strftime("%Y%m%d%H")
    names = ["ALLSKY_SFC_SW_DWN", "ALLSKY_SFC_SW_DNI", "ALLSKY_SFC_SW_DIFF", "T2M", "WS10M"]
    body = {
        "geometry": {"coordinates": [120.0, 30.0, 15.0]},
        "header": {"time_standard": "LST", "fill_value": -999.0},
        "properties": {"parameter": {n: dict(zip(stamps, table[n], strict=True)) for n in names}},
    }
    (tmp_path / "power.json").write_text(json.dumps(body))
    again = pvp.read_weather(tmp_path / "power.json")
    assert again.altitude == 15.0
    assert again.data["ghi"].to_numpy() == pytest.approx(weather.data["ghi"].to_numpy())


def test_tmy3(tmp_path):
    frame = sunny("2001-01-01", "2002-01-01", longitude=-112.0, zone=-7)
    rows = ['722780,"PHOENIX",AZ,-7.0,30.0,-112.0,337']
    light = "GHI (W/m^2),DNI (W/m^2),DHI (W/m^2)"
    rows.append(f"Date (MM/DD/YYYY),Time (HH:MM),{light},Dry-bulb (C),Wspd (m/s)")
    for t, r in frame.iterrows():
        rows.append(f"{t:%m/%d/%Y},{t.hour + 1:02d}:00,{r.ghi:.2f},{r.dni},{r.dhi},18.0,2.0")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    weather = pvp.read_weather(tmp_path / "t.csv")
    assert weather.sun_offset_minutes == 30
    assert weather.closure[30] < 1


def test_pvgis_hourly_series(tmp_path):
    frame = sunny("2019-01-01", "2020-01-01", longitude=8.0, zone=0)
    rows = ["Latitude (decimal degrees):\t30.000", "Longitude (decimal degrees):\t8.000",
            "Elevation (m):\t250", "Radiation database:\tPVGIS-SARAH3", "",
            "Slope: 0 deg.", "time,Gb(i),Gd(i),Gr(i),H_sun,T2m,WS10m,Int"]  # fmt: skip
    for t, r in frame.iterrows():
        beam = r.ghi - r.dhi
        rows.append(f"{t:%Y%m%d:%H}10,{beam:.3f},{r.dhi:.3f},0,10.0,18.0,2.0,0.0")
    path = tmp_path / "series.csv"
    path.write_text("\n".join([*rows, "", "Gb(i): Beam"]))
    weather = pvp.read_weather(path)
    assert weather.sun_offset_minutes == 10
    assert weather.trusted == "ghi_dhi"
    assert weather.data["ghi"].sum() == pytest.approx(frame["ghi"].sum(), rel=1e-4)
    path.write_text(path.read_text().replace("Slope: 0", "Slope: 30"))
    with pytest.raises(pvp.InputError, match="horizontal"):
        pvp.read_weather(path)


BAD_SERIES = {
    "kilowatt-hours": (lambda f: f.assign(**(f[["ghi", "dni", "dhi"]] / 1000)), "not W/m2"),
    "kelvin": (lambda f: f.assign(temp_air=291.0), "degrees C"),
    "repeated hour": (lambda f: pd.concat([f.iloc[:100], f.iloc[99:]]), "row 10.*out of place"),
    "backwards": (lambda f: f.iloc[::-1], "out of place"),
    "two-hourly": (lambda f: f.iloc[::2], "120 minutes apart"),
    "odd step": (lambda f: f.set_axis(f.index[0] + pd.to_timedelta(np.arange(len(f)) * 25, "min")),
                 "25 minutes apart"),
    "a day missing": (lambda f: f.drop(f.index[2000:2024]), "24 hours"),
    "half a year": (lambda f: f.iloc[:4000], "4000 hours"),
    "night and day swapped": (lambda f: f.set_axis(f.index).assign(
        **{c: np.roll(f[c], 12) for c in ("ghi", "dni", "dhi")}), "at night"),
    "no temperature": (lambda f: f.drop(columns="temp_air"), "temp_air"),
    "diffuse only": (lambda f: f.drop(columns=["ghi", "dni"]), "ghi"),
    "unreadable stamp": (lambda f: f.set_axis([*f.index[:50].astype(str), "soon",
                                               *f.index[51:].astype(str)]), "row 5[0-9]"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_SERIES)
def test_bad_series_are_refused(tmp_path, kind):
    spoil, said = BAD_SERIES[kind]
    with pytest.raises(pvp.InputError, match=said):
        pvp.read_weather(plain(tmp_path, spoil(sunny())))


def test_odd_light_is_reported_by_row(tmp_path):
    frame = sunny()
    frame.iloc[2, 0] = 60.0  # sun at two in the morning
    frame.iloc[4397, 0] = 900.0  # and more at five than an open sky gives
    weather = pvp.read_weather(plain(tmp_path, frame))
    found = {f.code: f.params["rows"] for f in weather.findings if "rows" in f.params}
    assert found["weather_night_sun"] == "6"
    assert "4401" in found["weather_too_bright"]


def test_typical_year_outside_china_is_flagged():
    pytest.importorskip("gsee_climate_data", reason="the extra merra2 is not installed")
    weather = pvp.typical_year(45.0, 8.0)
    assert weather.synthetic
    assert "weather_merra2" in codes(weather)
    assert 1300 < weather.data["ghi"].sum() / 1000 < 1800


@pytest.mark.parametrize(("file", "place", "shift"), [
    ("dinghai_cswd.epw", (30.03, 122.10), 2), ("hangzhou_cswd.epw", (30.23, 120.17), -33),
])  # fmt: skip
def test_typical_year_against_the_file_of_its_station(shared, file, place, shift):
    """Judged with the sun at the file's daily centroid; an east and a west roof are averaged, since
    the Hangzhou file keeps a slant of 7 % between them that no time stamp removes."""
    real = pvp.read_weather(shared / "data" / "weather" / file, sun_offset_minutes=shift)
    made = pvp.typical_year(*place, altitude=40.0)
    planes = [(t, a) for t in (10, 25, 40) for a in range(0, 360, 45)]
    table = pd.DataFrame(planes, columns=["surface_tilt", "surface_azimuth"]).assign(
        capacity_kwp=1.0
    )
    one, two = (pvp.simulate_energy(table, w)["energy_kwh"] for w in (real, made))
    mirror = [planes.index((t, (360 - a) % 360)) for t, a in planes]
    off = (two + two.iloc[mirror].to_numpy()) / (one + one.iloc[mirror].to_numpy()) - 1
    assert np.abs(off).max() < (0.025 if "dinghai" in file else 0.045)
    days = [w.data["ghi"].to_numpy().reshape(365, 24).sum(axis=1) for w in (real, made)]
    assert days[1].mean() == pytest.approx(days[0].mean(), rel=1e-3)
