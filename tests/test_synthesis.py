"""Made-up hours against real ones: what a household uses of its own power, and how days differ."""

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner.demand import archetypes, on_weather_clock
from pvplanner.demand.load import year_shape
from pvplanner.energy.sky import clock_hours
from pvplanner.weather import Weather, extra_radiation, hourly_index, solar_position
from pvplanner.weather.synthesis import make_radiation

FILES = ("hangzhou_cswd.epw", "dinghai_cswd.epw", "shanghai_tmyx.epw", "singapore_tmy.epw",
         "zurich_tmy.epw", "tokyo_iwec.epw", "pvgis_tmy_45N_8E.json", "phoenix_tmy2.csv",
         "bad_mannheim_not_utf8.epw", "bad_los_angeles_leap_year.epw")  # fmt: skip
SOUTH = pd.DataFrame({"capacity_kwp": 1.0, "surface_tilt": 25.0, "surface_azimuth": [180.0]})
HOMES = ("family", "elderly_pair", "workshop")


def made_from(real: Weather, seed: int) -> Weather:
    """A synthetic year with a file's monthly sums and air."""
    index = hourly_index(pd.DatetimeIndex(real.data.index)[0].utcoffset().total_seconds() / 3600)
    here = (real.latitude, real.longitude, real.altitude)
    zenith = solar_position(index + pd.Timedelta(minutes=30), *here)["zenith"].to_numpy()
    sums = real.data.groupby(pd.DatetimeIndex(real.data.index).month)[["ghi", "dhi"]].sum() / 1000
    ghi, dhi, dni = make_radiation(
        index, zenith, extra_radiation(index), sums["ghi"].to_numpy(), sums["dhi"].to_numpy(),
        np.random.default_rng(seed),
    )  # fmt: skip
    air = {name: real.data[name].to_numpy() for name in ("temp_air", "wind_speed")}
    data = pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": dhi, **air}, index=index)
    return Weather(data, *here, "made up")


@pytest.fixture(scope="module")
def own_use(shared):
    """Self-use of made-up hours over that of the file's own, by file and archetype."""
    table, out = archetypes(), {}
    for file in FILES:
        real = pvp.read_weather(shared / "data" / "weather" / file)
        power = pvp.simulate_hours(SOUTH, real).to_numpy()[:, 0]
        made = [pvp.simulate_hours(SOUTH, made_from(real, s)).to_numpy()[:, 0] for s in range(3)]
        made = [m * power.sum() / m.sum() for m in made]
        for kind in HOMES:
            shape, year = year_shape(table.loc[kind]), table.loc[kind, "kwh_per_year"]
            then = on_weather_clock(shape, clock_hours(real)) * year
            off = []
            for size in (1.0, 2.0, 4.0):
                kwp = size * year / power.sum()
                ours = np.mean([np.minimum(m * kwp, shape * year).sum() for m in made])
                off.append(ours / np.minimum(power * kwp, then).sum() - 1)
            out[file, kind] = float(np.mean(off))
    return pd.Series(out).unstack()


@pytest.mark.long
def test_made_up_hours_are_used_as_real_ones(own_use):
    assert (own_use.mean().abs() < 0.02).all(), own_use
    assert (own_use.abs() < 0.06).all(axis=None), own_use


def test_the_doubt_of_self_use_holds(own_use):
    from pvplanner import reference

    sigma = reference.constant("self_use_sigma").value
    off = own_use.to_numpy().ravel()
    assert np.sqrt((off**2).mean()) < sigma
    assert (np.abs(off) <= 1.2816 * sigma).mean() >= 0.8


def test_much_diffuse_light_means_like_days():
    index = hourly_index(8.0)
    zenith = solar_position(index + pd.Timedelta(minutes=30), 30.0, 120.0, 0.0)["zenith"].to_numpy()
    extra = extra_radiation(index)
    month = np.asarray(index.month)
    top = extra * np.maximum(np.cos(np.radians(zenith)), 0)
    above = np.bincount(month, weights=top)[1:] / 1000
    spreads = []
    for share in (0.68, 0.55, 0.42):
        ghi, dhi, dni = make_radiation(
            index, zenith, extra, 0.42 * above, 0.42 * above * share, np.random.default_rng(1)
        )
        days = ghi.reshape(365, 24).sum(axis=1) / top.reshape(365, 24).sum(axis=1)
        spreads.append(np.mean([days[month[::24] == m].std() for m in range(1, 13)]))
        sums = np.bincount(month, weights=ghi)[1:] / 1000
        assert sums == pytest.approx(0.42 * above)
        assert (dni >= -1e-9).all()
        assert (dhi <= ghi + 1e-9).all()
    assert spreads[0] < 0.15 < spreads[1] < spreads[2]
    assert spreads[2] > 0.2


def test_arid_days_are_alike():
    index = hourly_index(8.0)
    zenith = solar_position(index + pd.Timedelta(minutes=30), 38.0, 90.0, 0.0)["zenith"].to_numpy()
    extra = extra_radiation(index)
    top = extra * np.maximum(np.cos(np.radians(zenith)), 0)
    above = np.bincount(np.asarray(index.month), weights=top)[1:] / 1000
    spreads = []
    for clear in (0.5, 0.68):
        ghi, _, _ = make_radiation(
            index, zenith, extra, clear * above, None, np.random.default_rng(1)
        )
        spreads.append((ghi.reshape(365, 24).sum(axis=1) / top.reshape(365, 24).sum(axis=1)).std())
    assert spreads[1] < 0.7 * spreads[0]
