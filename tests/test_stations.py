"""The climate between stations: what the others foretell of one that is left out."""

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner import reference
from pvplanner.energy import doubt_components
from pvplanner.energy.doubt import Z90
from pvplanner.weather import stations as known

SPREAD = "shared/facts/climate_check.csv"


@pytest.fixture(scope="module")
def left_out():
    """Each station foretold by the others: region, error and sigma of light, misses of warmth."""
    table = known.stations()
    regions = {r["province"]: r["grid_region"] for r in reference.rows("provinces")}
    raw = reference.load("climate").sort_values(["station", "month"], kind="stable")
    warmth = raw["temp_air_c"].to_numpy().reshape(-1, 12)
    rows = []
    for n, site in enumerate(table.sites):
        place = (table.latitude[n], table.longitude[n], table.altitude[n])
        found = known.interpolate(*place, without=n)
        light = table.light[n] / found.monthly["ghi_kwh_per_m2"].sum() - 1
        warm = found.monthly["temp_air_c"].to_numpy() - warmth[n]
        rows.append((site, regions[table.provinces[n]], light, found.sigma, *warm))
    months = [f"m{m}" for m in range(1, 13)]
    return pd.DataFrame(rows, columns=["site", "region", "error", "sigma", *months])


def test_ranges_of_left_out_stations_hold_what_they_say(left_out):
    assert len(left_out) == 270
    held = left_out["error"].abs() <= Z90 * left_out["sigma"]
    assert 0.75 <= held.mean() <= 0.85
    by_region = held.groupby(left_out["region"]).mean()
    assert len(by_region) == 7
    assert by_region.between(0.70, 0.90).all(), by_region
    bias = left_out.groupby("region")["error"].mean()
    assert abs(left_out["error"].mean()) < 0.015
    assert (bias.abs() < 0.03).all(), bias


def test_warmth_of_left_out_stations_is_brought_to_their_height(left_out):
    off = left_out.filter(regex=r"^m\d").to_numpy()
    assert np.sqrt((off**2).mean()) < 1.5
    assert abs(off.mean()) < 0.3


def test_doubt_is_the_places_own(left_out):
    rms = left_out.groupby("region")["error"].apply(lambda e: np.sqrt((e**2).mean()))
    assert rms["Northeast"] < 0.04 < 0.09 < rms["Southwest"]
    plain, mountains = known.interpolate(45.5, 125.0), known.interpolate(31.0, 102.5)
    assert plain.sigma < 0.04 < 0.08 < mountains.sigma


def test_next_to_a_station_its_table_is_the_answer():
    table = known.stations()
    row = list(table.sites).index("Hangzhou")
    place = (table.latitude[row], table.longitude[row], table.altitude[row])
    found = known.interpolate(*place)
    light = found.monthly["ghi_kwh_per_m2"].sum()
    assert light == pytest.approx(table.light[row], rel=1e-4)
    assert found.sigma < 0.005
    # The table is not the truth: a year of it is doubted as its records scatter.
    here = pvp.typical_year(*place[:2], altitude=place[2])
    components = doubt_components(pvp.Scenario(), here, chinese=True).set_index("component")
    assert components.loc["irradiation_source", "sigma"] == pytest.approx(0.038)
    high = known.interpolate(*place[:2], 1_500.0)
    assert high.sigma > 0.03
    away = known.interpolate(place[0] + 0.4, place[1], place[2])
    assert away.sigma > 0.02


def test_a_mountain_is_colder_than_its_valley():
    valley = pvp.typical_year(29.52, 103.33, altitude=450.0)
    summit = pvp.typical_year(29.52, 103.33, altitude=3047.0)
    lapse = reference.constant("lapse_rate").value
    cooled = valley.data["temp_air"].mean() - summit.data["temp_air"].mean()
    assert cooled == pytest.approx(2.597 * lapse)
    # Emei's own record is 3.3 degrees.
    assert summit.data["temp_air"].mean() == pytest.approx(3.3, abs=2.5)
    assert summit.altitude == 3047
    assert pvp.typical_year(29.52, 103.33).altitude == known.relief_height(29.52, 103.33)


def test_the_relief_knows_the_stations_heights():
    table = known.stations()
    off = [
        known.relief_height(table.latitude[n], table.longitude[n]) - table.altitude[n]
        for n in range(0, 270, 5)
    ]
    assert np.median(np.abs(off)) < 60


def test_far_from_stations_nothing_is_known():
    with pytest.raises(pvp.InputError, match="km away"):
        known.interpolate(52.0, 4.4)
    assert known.records_near(52.0, 4.4) is None


def test_ranges_hold_the_records_of_other_stations(shared):
    check = pd.read_csv(shared / "facts" / "climate_check.csv")
    check = check[check["ghi_2008_2017_kwh_per_m2"] > 0]
    rows = []
    regions = {r["province"]: r["grid_region"] for r in reference.rows("provinces")}
    for r in check.itertuples():
        here = (r.latitude, r.longitude)
        records = known.records_near(*here)
        if records is None:
            continue  # islands of the South China Sea
        found = known.interpolate(*here, r.altitude_m)
        sigma = np.hypot(np.hypot(found.sigma, records.gap), 0.03)
        off = r.ghi_2008_2017_kwh_per_m2 / found.monthly["ghi_kwh_per_m2"].sum() - 1
        rows.append((regions[records.province], abs(off) <= Z90 * sigma))
    held = pd.DataFrame(rows, columns=["region", "held"]).groupby("region")["held"].mean()
    assert (held > 0.7).all(), held


def test_components_name_the_place(shared):
    scenario = pvp.Scenario()
    chengdu, shenyang = pvp.typical_year(30.6, 104.0), pvp.typical_year(41.8, 123.4)
    one, two = (doubt_components(scenario, w, chinese=True).set_index("component")
                for w in (chengdu, shenyang))  # fmt: skip
    assert one.loc["irradiation_table", "sigma"] == pytest.approx(0.081)
    told = {f.code: f.params for f in chengdu.findings}
    assert told["weather_records"]["province"] == "Sichuan"
    assert told["weather_records"]["gap"] == "-8.1%"
    assert two.loc["irradiation_table", "sigma"] < 0.02
    assert one.loc["year_to_year", "sigma"] != two.loc["year_to_year", "sigma"]
    # A file is not the table.
    file = pvp.read_weather(shared / "data" / "weather" / "hangzhou_cswd.epw")
    assert "irradiation_table" not in set(
        doubt_components(scenario, file, chinese=True)["component"]
    )


def test_places_abroad_and_no_places():
    abroad = pvp.typical_year(43.1, 131.9)
    assert "weather_abroad" in {f.code for f in abroad.findings if f.doubtful}
    assert known.records_near(43.1, 131.9) is None
    sigma = doubt_components(pvp.Scenario(), abroad, chinese=False).set_index("component")["sigma"]
    assert sigma["irradiation_source"] >= 0.06
    for place in ((91.0, 120.0, None), (30.0, 480.0, None), (30.0, 120.0, 1e5),
                  (30.0, 120.0, float("nan")), (float("nan"), 120.0, None)):  # fmt: skip
        with pytest.raises(pvp.InputError, match="no place on Earth"):
            pvp.typical_year(place[0], place[1], altitude=place[2])


def test_near_a_station_its_own_height_sets_the_relief_right():
    lhasa = known.relief_height(29.67, 91.13)
    assert lhasa == pytest.approx(3648.9, abs=1)
    # The floor of the sea is no height.
    assert known.relief_height(30.7, 122.5) >= 0


@pytest.mark.parametrize(("here", "height"), [((29.7, 121.3), 400.0), ((30.43, 120.17), 50.0)])
def test_a_place_by_hand(here, height):
    """Eight stations by distance to the power 1.5, a kilometre of height for a hundred."""
    table = known.stations()
    flat = reference.distance_km(*here, table.latitude, table.longitude)
    away = np.sqrt(flat**2 + (0.1 * (table.altitude - height)) ** 2)
    rows = np.argsort(away)[:8]
    part = away[rows] ** -1.5 / (away[rows] ** -1.5).sum()
    errors = []
    for n in range(len(table.sites)):
        gaps = np.hypot(
            reference.distance_km(table.latitude[n], table.longitude[n], table.latitude,
                                  table.longitude),
            0.1 * (table.altitude - table.altitude[n]),
        )  # fmt: skip
        gaps[n] = np.inf
        others = np.argsort(gaps)[:8]
        weight = gaps[others] ** -1.5
        errors.append(table.light[n] / (weight @ table.light[others] / weight.sum()) - 1)
    errors = np.array(errors)
    found = known.interpolate(*here, height)
    near = min(1.0, away.min() / 60)
    light = (part @ table.light[rows]) * (1 + near * errors.mean())
    assert found.monthly["ghi_kwh_per_m2"].sum() == pytest.approx(light)
    assert found.names == ", ".join(table.sites[rows[part >= 0.05]])
    kernel, off = np.exp(-0.5 * (away / 150) ** 2), np.abs(errors - errors.mean())
    middle = (kernel @ off + 0.5 * off.mean()) / (kernel.sum() + 0.5)
    assert found.sigma == pytest.approx(np.sqrt(np.pi / 2) * middle * np.sqrt(near), rel=1e-6)
    ground = np.argsort(flat)[:8]
    share = flat[ground] ** -1.5 / (flat[ground] ** -1.5).sum()
    warmth = share @ table.months[ground][:, :, 3] - 5.5 * height / 1000
    assert found.monthly["temp_air_c"].to_numpy() == pytest.approx(warmth)


def test_the_relief_is_set_right_less_and_less_away_from_a_station():
    import pvlib

    table = known.stations()
    row = list(table.sites).index("Lhasa")
    there = float(pvlib.location.lookup_altitude(table.latitude[row], table.longitude[row]))
    here = (float(table.latitude[row]) + 0.18, float(table.longitude[row]))
    away = float(reference.distance_km(*here, table.latitude[row : row + 1],
                                       table.longitude[row : row + 1])[0])  # fmt: skip
    assert 15 < away < 25
    off = (table.altitude[row] - there) * np.exp(-away / 20)
    plain = float(pvlib.location.lookup_altitude(*here))
    assert known.relief_height(*here) == pytest.approx(plain + off)


def test_the_reach_of_the_stations():
    table = known.stations()
    for latitude in np.arange(20.0, 26.0, 0.5):
        away = reference.distance_km(latitude, 130.0, table.latitude, table.longitude).min()
        if away > 330:
            with pytest.raises(pvp.InputError, match="km away"):
                known.interpolate(latitude, 130.0, 0.0)
    places = [(la, lo) for la in np.arange(18, 45, 1.0) for lo in np.arange(108, 132, 1.0)]
    far = [reference.distance_km(*p, table.latitude, table.longitude).min() for p in places]
    between = [p for p, d in zip(places, far, strict=True) if 335 < d < 480]
    assert between
    with pytest.raises(pvp.InputError, match="km away"):
        known.interpolate(*between[0], 0.0)
