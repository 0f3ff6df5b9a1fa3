"""Where in each interval the sun stood, found from the light itself."""

import numpy as np
import pandas as pd
import pytest
from made_weather import PLACES, as_weather, made_year

import pvplanner as pvp
from pvplanner.energy.doubt import Z90
from pvplanner.weather.stamps import find_sun, moment_of_closure, noon_of_light, sun_arc

EAST_WEST = pd.DataFrame(
    {"capacity_kwp": 1.0, "surface_tilt": 30.0, "surface_azimuth": [90.0, 270.0]}
)


def found(data, place, *, usual=30.0, closes=True):
    return find_sun(data, place[0], place[1], usual=usual, closes=closes)


def csv(folder, data, place, note=""):
    path = folder / "made.csv"
    air = data.assign(temp_air=15.0, wind_speed=2.0)
    air.insert(0, "time", [t.strftime("%Y-%m-%d %H:%M") for t in data.index])
    head = f"# latitude: {place[0]}\n# longitude: {place[1]}\n# tz: UTC{place[2]:+g}\n{note}"
    path.write_text(head + air.to_csv(index=False))
    return path


def trials(count):
    """Error of the moment, its sigma and the error of east over west, of made years."""
    rows = []
    for seed in range(count):
        rng = np.random.default_rng(seed + 1000)
        place, true = PLACES[rng.integers(6)], float(rng.choice(np.arange(-60, 61, 5)))
        fog, noise = bool(rng.integers(2)), float(rng.choice([0, 20]))
        cloudy = float(rng.choice([0.4, 0.6, 0.8, 0.9]))
        data = made_year(place, true, seed, fog=fog, noise=noise, cloudy=cloudy)
        sun = found(data, place)
        parts = [
            pvp.simulate_energy(EAST_WEST, as_weather(data, place, at))["energy_kwh"].to_numpy()
            for at in (sun.minutes, true)
        ]
        ours, right = (east / west for east, west in parts)
        exact = moment_of_closure(data, sun_arc(data.index, place[0], place[1]))
        rows.append((sun.minutes - true, ours / right - 1, exact[0] - true, exact[1], noise))
    return pd.DataFrame(rows, columns=["minutes", "east_west", "closure", "sigma", "noise"])


def check(rows):
    assert (rows["minutes"].abs() <= 4).mean() >= 0.95
    assert (rows["east_west"].abs() <= 0.02).mean() >= 0.95


def test_the_sun_of_made_years_is_found():
    check(trials(12))


@pytest.mark.long
def test_the_sun_of_many_made_years_is_found_and_its_doubt_is_true():
    rows = trials(160)
    check(rows)
    noisy = rows[rows["noise"] > 0]
    assert 0.70 <= (noisy["closure"].abs() <= Z90 * noisy["sigma"]).mean() <= 0.90


@pytest.mark.parametrize("true", [-45.0, 10.0, 50.0])
def test_light_alone_tells_the_moment(true):
    data = made_year(PLACES[0], true, 3)
    sun = found(data, PLACES[0], closes=False)
    assert sun.verdict == "noon"
    assert sun.minutes == pytest.approx(true, abs=4)
    assert 2 <= sun.sigma < 5


def test_fog_moves_the_light_and_not_the_closure():
    data = made_year(PLACES[0], 0.0, 5, fog=True, noise=20.0)
    arc = sun_arc(data.index, *PLACES[0][:2])
    _, sigma = noon_of_light(data["ghi"].to_numpy(), arc)
    all_days = made_year(PLACES[0], 0.0, 5, noise=20.0)
    assert sigma > noon_of_light(all_days["ghi"].to_numpy(), arc)[1] + 0.5
    sun = found(data, PLACES[0])
    assert (sun.minutes, sun.verdict) == (0.0, "moved")


def test_a_beam_made_up_with_another_sun_is_a_clash(tmp_path):
    data = made_year(PLACES[0], 30.0, 7, beam_minutes=0.0)
    sun = found(data, PLACES[0])
    assert sun.verdict == "clash"
    assert sun.minutes == pytest.approx(30, abs=4)
    assert sun.sigma >= 4
    weather = pvp.read_weather(csv(tmp_path, data, PLACES[0]))
    assert weather.trusted == "ghi_dhi"
    assert "sun_offset_clash" in {f.code for f in weather.findings}


@pytest.mark.long
def test_a_beam_that_says_something_else_each_month_is_not_heard():
    data = made_year(PLACES[0], -30.0, 9)
    rng = np.random.default_rng(0)
    wander = np.repeat(rng.uniform(-60, 60, 365 // 15 + 1), 15 * 24)[:8760]
    for at in np.unique(wander):
        rows = wander == at
        made = made_year(PLACES[0], -30.0, 9, beam_minutes=at)
        data.loc[rows, "dni"] = made.loc[rows, "dni"]
    assert moment_of_closure(data, sun_arc(data.index, *PLACES[0][:2])) is None
    sun = found(data, PLACES[0], usual=0.0)
    assert sun.verdict == "noon"
    assert sun.minutes == pytest.approx(-30, abs=4)


def test_mornings_and_afternoons_that_contradict_each_other_are_not_heard():
    data = made_year(PLACES[0], 0.0, 9)
    arc = sun_arc(data.index, *PLACES[0][:2])
    morning = arc.angle < 0
    for at, half in ((30.0, morning), (-30.0, ~morning)):
        made = made_year(PLACES[0], 0.0, 9, beam_minutes=at)
        data.loc[half, "dni"] = made.loc[half, "dni"]
    assert moment_of_closure(data, arc) is None


def test_a_usual_moment_is_kept_where_the_light_is_next_to_it():
    data = made_year(PLACES[0], 3.0, 11)
    sun = found(data, PLACES[0], usual=0.0, closes=False)
    assert sun.minutes == 0
    assert sun.sigma >= 2
    assert found(data, PLACES[0], usual=-30.0, closes=False).minutes == pytest.approx(3, abs=3)


def test_a_stated_moment_is_held_against_the_light(tmp_path):
    for true, said in ((30.0, "stated"), (0.0, "contradicted")):
        data = made_year(PLACES[0], true, 13)
        rows = ["Source,Location ID,City,Latitude,Longitude,Time Zone,Elevation",
                "X,1,Somewhere,30,120,8,10",
                "Year,Month,Day,Hour,Minute,GHI,DNI,DHI,Temperature,Wind Speed"]  # fmt: skip
        rows += [
            f"1990,{t.month},{t.day},{t.hour},30,{r.ghi:.1f},{r.dni:.1f},{r.dhi:.1f},20,2"
            for t, r in zip(data.index, data.itertuples(), strict=True)
        ]
        path = tmp_path / f"{said}.csv"
        path.write_text("\n".join(rows))
        weather = pvp.read_weather(path)
        assert weather.sun_offset_minutes == true
        assert f"sun_offset_{said}" in {f.code for f in weather.findings}
        given = pvp.read_weather(path, sun_offset_minutes=12)
        assert (given.sun_offset_minutes, given.sun_sigma_minutes) == (12, 0)


def test_a_year_without_light_tells_nothing():
    data = made_year(PLACES[0], 0.0, 1) * 0
    assert found(data, PLACES[0]) is None


EVEN = ("dinghai_cswd", "shanghai_tmyx", "tokyo_iwec", "zurich_tmy", "singapore_tmy",
        "bad_los_angeles_leap_year")  # fmt: skip


def test_real_files_are_even_to_east_and_west(shared):
    for file in EVEN:
        weather = pvp.read_weather(shared / "data" / "weather" / f"{file}.epw")
        east, west = pvp.simulate_energy(EAST_WEST, weather)["energy_kwh"]
        assert east / west == pytest.approx(1, abs=0.06), file
        assert "sun_offset_undetermined" not in {f.code for f in weather.findings}


def test_hangzhous_light_stands_half_an_hour_before_its_stamps(shared):
    # Its afternoons are clearer than its mornings besides: 0.80 with the sun at the index.
    weather = pvp.read_weather(shared / "data" / "weather" / "hangzhou_cswd.epw")
    east, west = pvp.simulate_energy(EAST_WEST, weather)["energy_kwh"]
    assert weather.sun_offset_minutes == -30
    assert 0.9 < east / west < 1.0


def test_the_arc_is_the_suns(shared):
    from pvplanner.weather import solar_position

    index = made_year(PLACES[3], 0.0, 1).index
    arc = sun_arc(index, *PLACES[3][:2])
    for at in (-40.0, 25.0):
        real = solar_position(index + pd.Timedelta(minutes=at), *PLACES[3][:2], 0.0)["zenith"]
        cosine = np.maximum(np.cos(np.radians(real.to_numpy())), 0)
        assert np.abs(arc.cosine(at) - cosine).max() < 0.006
    step = (arc.cosine(5.5) - arc.cosine(4.5))[arc.cosine(5) > 0.05]
    assert arc.change(5.0)[arc.cosine(5) > 0.05] == pytest.approx(step, abs=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 9), (16, 24)])
def test_a_mountain_to_one_side_does_not_move_the_noon(first, last):
    data = made_year(PLACES[0], 30.0, 21)
    hour = np.asarray(data.index.hour)
    hidden = (hour >= first) & (hour < last)
    data.loc[hidden, "ghi"] = data.loc[hidden, "dhi"] * 0.5
    data.loc[hidden, "dhi"] = data.loc[hidden, "ghi"]
    data.loc[hidden, "dni"] = 0.0
    for closes in (True, False):
        sun = found(data, PLACES[0], closes=closes)
        assert sun.minutes == pytest.approx(30, abs=6), sun
        assert sun.verdict != "clash"


def test_a_year_with_two_clocks_and_a_zone_an_hour_off_are_asked_about(tmp_path):
    data = made_year(PLACES[0], 30.0, 23)
    summer = np.isin(data.index.month, range(4, 10))
    late = data.copy()
    late.loc[summer] = np.roll(data.to_numpy(), 1, axis=0)[summer]
    told = pvp.read_weather(csv(tmp_path, late, PLACES[0]))
    assert "weather_two_clocks" in {f.code for f in told.findings if f.doubtful}
    off = pd.DataFrame(np.roll(data.to_numpy(), -1, axis=0), data.index, data.columns)
    told = pvp.read_weather(csv(tmp_path, off, PLACES[0]))
    assert told.sun_offset_minutes == pytest.approx(90, abs=0.5)
    assert "weather_zone_hour" in {f.code for f in told.findings if f.doubtful}
    plain = pvp.read_weather(csv(tmp_path, data, PLACES[0]))
    assert not {"weather_two_clocks", "weather_zone_hour"} & {f.code for f in plain.findings}
