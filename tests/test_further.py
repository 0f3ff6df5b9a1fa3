"""What others count beside the chain: against pvlib's own function, by hand, or brute force."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib
import pytest
import shapely

import pvplanner as pvp
from pvplanner import reference
from pvplanner.energy import loss_waterfall
from pvplanner.energy.further import REAR_MOUNTS, low_light, plane_light
from pvplanner.energy.sky import ROUGHNESS, prepare_sky
from pvplanner.energy.year import Year
from pvplanner.horizon.scene import corners_of, points_over

WEATHER = pvp.typical_year(30.0, 120.0)
PLANES = pd.DataFrame(
    {"capacity_kwp": [1.0, 2.0, 3.0, 1.0], "surface_tilt": [25.0, 17.3, 3.1, 52.0],
     "surface_azimuth": [180.0, 17.0, 95.0, 263.0]}
)  # fmt: skip
ON = {"low_light": True, "ac_cable": 0.01, "night_w_per_kw": 1.5, "bifaciality": 0.8,
      "mount": "canopy"}  # fmt: skip


def scenario(**system):
    return pvp.Scenario(system=system)


def energy(table=PLANES, weather=WEATHER, **system):
    found = pvp.simulate_energy(table, weather, scenario=scenario(**system))
    return found["energy_kwh"].to_numpy()


def test_light_of_planes_is_the_kernels():
    year = Year(WEATHER, pvp.Scenario(), shaded=False)
    tilt, turn = (PLANES[n].to_numpy() for n in ("surface_tilt", "surface_azimuth"))
    light = plane_light(year.sky, tilt, turn)
    steps = year.steps(PLANES, None).sum(axis=1)
    assert light.total.sum(axis=0) / 1000 == pytest.approx(steps[0], rel=2e-6)
    assert light.useful.sum(axis=0) / 1000 == pytest.approx(steps[2], rel=2e-6)
    dc = light.useful / 1000 * (1 + year.gamma * (light.cell - 25))
    assert dc.sum(axis=0) == pytest.approx(steps[3], rel=2e-6)


@pytest.mark.parametrize(("mount", "u"), [("flush", 20.0), ("integrated", 15.0)])
def test_mounts_without_a_gap_are_warmer_as_pvsyst_has_them(mount, u):
    # PVsyst's U of 20 and 15 W/m2/K take 2 to 7 %.
    lost = 1 - energy(mount=mount) / energy(mount="open_rack")
    assert (lost > 0.02).all()
    assert (lost < 0.09).all()
    sky = prepare_sky(WEATHER, scenario(mount=mount).system)
    assert sky.heating == pytest.approx(pvlib.temperature.faiman(1.0, 0.0, 3.0, u, 0.0))
    warm = scenario(mount="integrated", temperature="sapm").system
    cool = scenario(temperature="sapm").system
    assert (prepare_sky(WEATHER, warm).heating > prepare_sky(WEATHER, cool).heating).all()


def test_wind_is_brought_down_by_the_power_law():
    lower = pvlib.atmosphere.windspeed_powerlaw(
        WEATHER.data["wind_speed"], 10.0, 5.0, surface_type=ROUGHNESS
    )
    calm = replace(WEATHER, data=WEATHER.data.assign(wind_speed=lower))
    assert energy(wind_height_m=5.0) == pytest.approx(energy(weather=calm), rel=1e-9)
    assert (energy(wind_height_m=5.0) < energy()).all()
    assert energy(wind_height_m=10.0) == pytest.approx(energy())


def test_the_cable_takes_its_share_and_the_night_its_watts():
    assert energy(ac_cable=0.012) == pytest.approx(energy() * 0.988, rel=1e-6)
    used = (energy() - energy(night_w_per_kw=2.0)) / PLANES["capacity_kwp"].to_numpy()
    # 2 W per kW of rating in the dark half of the year, 1/1.2 kW of rating per kWp.
    assert used == pytest.approx(0.002 / 1.2 * 4380, rel=0.06)
    little = (energy() - energy(night_w_per_kw=0.5)) / PLANES["capacity_kwp"].to_numpy()
    assert little == pytest.approx(used / 4, rel=1e-3)


def test_low_light_is_pvlibs_adr_hour_by_hour():
    year = Year(WEATHER, pvp.Scenario(), shaded=False)
    tilt, turn = (PLANES[n].to_numpy() for n in ("surface_tilt", "surface_azimuth"))
    light = plane_light(year.sky, tilt, turn)
    power = pvp.simulate_hours(PLANES, WEATHER).to_numpy()[year.sky.hour]
    fit = {k: float(reference.rows("low_light")[0][k]) for k in ("k_a", "k_d", "tc_d", "k_rs",
                                                                 "k_rsh")}  # fmt: skip
    relative = pvlib.pvarray.pvefficiency_adr(np.maximum(light.useful, 1.0), 25.0, **fit)
    relative /= pvlib.pvarray.pvefficiency_adr(1000.0, 25.0, **fit)
    assert energy(low_light=True) == pytest.approx((power * relative).sum(axis=0), rel=1e-3)
    lost = 1 - energy(low_light=True) / energy()
    assert (lost > 0.01).all()
    assert (lost < 0.05).all()


def test_low_light_is_the_one_diode_models():
    module = pvlib.pvsystem.retrieve_sam("CECMod")["Jinko_Solar_Co___Ltd_JKM410M_72HL"]
    irradiance = np.array([100.0, 200.0, 400.0, 800.0, 1000.0])
    diode = pvlib.pvsystem.calcparams_cec(
        irradiance, 25.0, module.alpha_sc, module.a_ref, module.I_L_ref, module.I_o_ref,
        module.R_sh_ref, module.R_s, module.Adjust,
    )  # fmt: skip
    best = pvlib.pvsystem.max_power_point(*diode)["p_mp"] / irradiance
    assert low_light(irradiance) == pytest.approx(best / best[-1], abs=0.006)


@pytest.mark.parametrize("mount", ["open_rack", "canopy"])
def test_light_on_the_back_is_pvlibs(mount):
    one = PLANES.iloc[[0]]
    wide = {"mount": mount, "dc_ac_ratio": 0.8}
    gain = energy(one, bifaciality=0.7, **wide) / energy(one, **wide) - 1
    cover, height = REAR_MOUNTS[mount]
    zenith, turn = (WEATHER.solar_position()[n].to_numpy() for n in ("zenith", "azimuth"))
    ghi, dhi, dni = (WEATHER.data[n].to_numpy() for n in ("ghi", "dhi", "dni"))
    both = pvlib.bifacial.infinite_sheds.get_irradiance(
        25.0, 180.0, zenith, turn, cover, height, 2.0 / cover, ghi, dhi, dni, 0.2,
        bifaciality=0.7, shade_factor=0.0,
    )  # fmt: skip
    plain = np.nansum(both["poa_back"]) * 0.7 / np.nansum(both["poa_front"])
    assert gain[0] == pytest.approx(plain, rel=0.2)
    assert 0.02 < gain[0] < 0.12
    # What the inverter cuts, it cuts of this light too.
    tight = {"mount": mount, "dc_ac_ratio": 1.6, "albedo": 0.8}
    bright = pvp.simulate_hours(one, WEATHER, scenario=scenario(bifaciality=0.9, **tight))
    assert bright.to_numpy().max() <= 1 / 1.6 + 1e-6
    # A back that lies on tiles sees nothing, whatever the mount is called.
    for free, more in ((True, True), (False, False)):
        tiled = one.assign(back_free=free)
        found = energy(tiled, bifaciality=0.7, **wide) > energy(tiled, **wide) * 1.001
        assert bool(found[0]) is more
    assert energy(one, mount="roof", bifaciality=0.7) == pytest.approx(energy(one, mount="roof"))
    dark = {"mount": mount, "albedo": 0.0}
    assert energy(one, bifaciality=0.7, **dark) == pytest.approx(energy(one, **dark), rel=1e-3)


def test_all_of_it_is_in_the_waterfall_and_in_the_hours():
    on = scenario(**ON)
    found = pvp.simulate_energy(PLANES, WEATHER, scenario=on)["energy_kwh"].to_numpy()
    steps = loss_waterfall(PLANES, WEATHER, scenario=on)
    assert steps["energy_kwh"].to_numpy() == pytest.approx(found, rel=1e-6)
    assert (steps[["low_light", "night_use", "ac_cable"]] < 0).all(axis=None)
    assert (steps["rear_light"] > 0).all()
    plain = loss_waterfall(PLANES, WEATHER, scenario=scenario(mount="canopy"))
    # What the inverter takes and cuts hangs on what comes before it.
    same = [c for c in plain if c not in ("energy_kwh", "inverter", "clipping")]
    assert steps[same].to_numpy() == pytest.approx(plain[same].to_numpy(), rel=1e-5)
    hours = pvp.simulate_hours(PLANES, WEATHER, scenario=on).sum().to_numpy()
    assert hours == pytest.approx(found, rel=1e-5)


def test_months_carry_their_own_part():
    """Nights are longest and light is lowest in winter."""
    north = pvp.typical_year(45.75, 126.6)
    south = pd.DataFrame({"capacity_kwp": [1.0], "surface_tilt": 30.0, "surface_azimuth": 180.0})
    months = [f"energy_kwh_{m:02d}" for m in range(1, 13)]
    plain = pvp.simulate_energy(south, north)[months].to_numpy()[0]
    for on in ({"night_w_per_kw": 2.0}, {"low_light": True}):
        found = pvp.simulate_energy(south, north, scenario=scenario(**on))[months].to_numpy()[0]
        lost = 1 - found / plain
        assert lost[11] > 1.3 * lost[5]
        whole = energy(south, north, **on) / plain.sum()
        assert found.sum() / plain.sum() == pytest.approx(whole[0], rel=1e-6)
    night = pvp.simulate_energy(south, north, scenario=scenario(night_w_per_kw=2.0))
    used = plain - night[months].to_numpy()[0]
    assert used[11] > used[5]
    dark = 0.002 / 1.2 * (8760 - 4400)
    assert used.sum() == pytest.approx(dark, rel=0.1)


def test_nothing_is_on_unless_asked():
    assert set(loss_waterfall(PLANES, WEATHER)).isdisjoint(
        {"low_light", "rear_light", "night_use", "ac_cable", "string_shade"}
    )


def test_snow_by_the_month():
    months = [0.3, 0.2, *[0.0] * 9, 0.1]
    some = pvp.simulate_energy(
        PLANES, WEATHER, scenario=scenario(loss_items={"snow": months})
    ).filter(regex=r"energy_kwh_\d")
    none = pvp.simulate_energy(PLANES, WEATHER).filter(regex=r"energy_kwh_\d")
    left = (some / none).to_numpy()
    assert left[:, 2:11] == pytest.approx(1)
    # The inverter's own use weighs more on a weak month.
    assert left[:, 0] == pytest.approx(0.7, abs=0.02)


# --- strings ------------------------------------------------------------------------------------

WIDTH, LENGTH, COLUMNS, ROWS = 1.134, 2.278, 10, 2
MODULE = pvlib.pvsystem.retrieve_sam("CECMod")["Jinko_Solar_Co___Ltd_JKM410M_72HL"]


def axes(tilt):
    """Along the eaves and up the slope of a plane to the south."""
    lean = np.radians(tilt)
    return np.array([1.0, 0, 0]), np.array([0, np.cos(lean), np.sin(lean)])


def cells_of(tilt):
    """Cells of the thirds of twenty upright modules; shape (60, 24, 3)."""
    along, up = axes(tilt)
    out = []
    for row in range(ROWS):
        for third in range(3 * COLUMNS):
            u = (third + np.array([0.25, 0.75])) / 3 * WIDTH
            v = (row + (np.arange(12) + 0.5) / 12) * LENGTH
            x, y = np.meshgrid(u, v)
            out.append(np.outer(x.ravel(), along) + np.outer(y.ravel(), up))
    return np.array(out)


def behind(places, ways, boxes):
    """Whether boxes stand between places and the sky; shape (ways, places)."""
    out = np.zeros((len(ways), len(places)), dtype=bool)
    safe = np.where(np.abs(ways) < 1e-12, 1e-12, ways)
    for low, high in boxes:
        one, two = ((edge - places)[None] / safe[:, None] for edge in (low, high))
        enter, leave = np.minimum(one, two).max(axis=2), np.maximum(one, two).min(axis=2)
        out |= leave >= np.maximum(enter, 1e-6)
    return out


def horizons_of(places, boxes, directions=72):
    """Elevation of what stands around places, degrees; shape (places, directions)."""
    rise = np.radians(np.arange(0, 89.5, 0.5))
    out = np.zeros((len(places), directions))
    for n in range(directions):
        turn = 2 * np.pi * n / directions
        ways = np.stack([np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)], 1)
        hit = behind(places, ways, boxes)
        last = len(rise) - 1 - np.argmax(hit[::-1], axis=0)
        out[:, n] = np.where(hit.any(axis=0), np.degrees(rise[last]) + 0.25, 0)
    return out


def string_power(bright, dark, lit, cell):
    """Best power of a string whose thirds see bright or diffuse light, per third, W."""

    def diode(light):
        return pvlib.pvsystem.calcparams_cec(
            np.maximum(light, 1.0), cell, MODULE.alpha_sc, MODULE.a_ref, MODULE.I_L_ref,
            MODULE.I_o_ref, MODULE.R_sh_ref, MODULE.R_s, MODULE.Adjust,
        )  # fmt: skip

    full, weak = diode(bright), diode(dark)
    best = np.zeros(len(bright))
    for part in np.linspace(0.005, 1, 80):
        current = full[0] * part
        volts = pvlib.pvsystem.v_from_i(current, *full) / 3
        less = pvlib.pvsystem.v_from_i(np.minimum(current, weak[0] * 0.9999), *weak) / 3
        # A third that can't carry the current is bypassed by its diode.
        less = np.maximum(np.where(current < weak[0] * 0.999, less, -0.5), -0.5)
        best = np.maximum(best, current * (lit * volts + (1 - lit) * less))
    return best


def brute_force(tilt, boxes, angles, year):
    """Yearly share that shade takes of a string, third by third with the one-diode model."""
    cells, ways = cells_of(tilt), year.sky.sun.T
    flat = cells.reshape(-1, 3)
    shaded = np.concatenate(
        [behind(flat, some, boxes).reshape(-1, *cells.shape[:2]).any(axis=2)
         for some in np.array_split(ways, 12)]
    )  # fmt: skip
    plane = pd.DataFrame(
        {"capacity_kwp": [1.0], "surface_tilt": [tilt], "surface_azimuth": [180.0]}
    )
    left = year._left(plane, angles[None])[0]
    lean, turn = np.array([tilt]), np.array([180.0])
    sky = year.sky
    nothing = {"dni": 0 * sky.dni, "circumsolar": 0 * sky.circumsolar}
    less = {"isotropic": sky.isotropic * left, "horizon": sky.horizon * left}
    whole = plane_light(sky, lean, turn)
    diffuse = plane_light(replace(sky, **nothing), lean, turn).useful[:, 0]
    dark = plane_light(replace(sky, **nothing, **less), lean, turn).useful[:, 0]
    bright, cell = dark + whole.useful[:, 0] - diffuse, whole.cell[:, 0]
    open_sky = string_power(whole.useful[:, 0], diffuse, np.ones(len(bright)), cell)
    lit = 1 - shaded.mean(axis=1)
    return 1 - string_power(bright, dark, lit, cell).sum() / open_sky.sum()


def chimney(tilt):
    along, up = axes(tilt)
    middle = along * COLUMNS / 2 * WIDTH - up * 0.6
    return [(middle - np.array([0.3, 0.3, 2]), middle + np.array([0.3, 0.3, 1.5]))]


CASES = {
    "chimney": (25.0, chimney(25.0)),
    "parapet": (10.0, [(np.array([-3, -0.8, -1.0]), np.array([15.0, -0.5, 1.2]))]),
    "gable": (25.0, [(np.array([14.3, -6, -3.0]), np.array([22.3, 6, 4.5]))]),
}


@pytest.mark.parametrize("name", list(CASES))
def test_shade_on_a_string_is_what_brute_force_has(name):
    tilt, boxes = CASES[name]
    # What shades any part of a third shades the third.
    cells = cells_of(tilt)
    angles = np.max([horizons_of(cells[:, n], boxes) for n in (0, 1, 10, 12, 22, 23)], axis=0)
    year = Year(WEATHER, pvp.Scenario(), shaded=True)
    true = brute_force(tilt, boxes, angles, year)
    plane = pd.DataFrame(
        {"capacity_kwp": [1.0], "surface_tilt": [tilt], "surface_azimuth": [180.0]}
    )
    lost = {}
    for shade in ("area", "string"):
        own = scenario(shade=shade, dc_ac_ratio=1.0)
        bare = own.override({"system.loss_items.shading": 0.0})
        made = [
            pvp.simulate_energy(plane, WEATHER, scenario=s, horizon=h)["energy_kwh"][0]
            for s, h in ((own, angles[None]), (bare, None))
        ]
        lost[shade] = 1 - made[0] / made[1]
    assert lost["string"] == pytest.approx(true, rel=0.1)
    assert lost["area"] < lost["string"]


def test_strings_are_one_in_years_hours_and_waterfall():
    angles = np.random.default_rng(0).uniform(0, 40, (4, 8, 36))
    on = scenario(shade="string", ac_cable=0.01)
    found = pvp.simulate_energy(PLANES, WEATHER, scenario=on, horizon=angles)
    by_area = pvp.simulate_energy(PLANES, WEATHER, scenario=scenario(ac_cable=0.01), horizon=angles)
    made = found["energy_kwh"].to_numpy()
    assert (made < by_area["energy_kwh"].to_numpy()).all()
    assert found["poa_kwh_per_m2"].equals(by_area["poa_kwh_per_m2"])
    assert found.filter(regex=r"energy_kwh_\d").sum(axis=1).to_numpy() == pytest.approx(made)
    hours = pvp.simulate_hours(PLANES, WEATHER, scenario=on, horizon=angles).sum().to_numpy()
    assert hours == pytest.approx(made, rel=1e-5)
    steps = loss_waterfall(PLANES, WEATHER, scenario=on, horizon=angles)
    assert steps["energy_kwh"].to_numpy() == pytest.approx(made, rel=1e-5)
    assert (steps["string_shade"] < 0).all()
    # Under an open sky, and where all points see alike, a string loses nothing more.
    alike = np.repeat(angles[:, :1], 3, axis=1)
    for horizon in (None, alike):
        one, two = (
            pvp.simulate_energy(PLANES, WEATHER, scenario=scenario(shade=s), horizon=horizon)
            for s in ("string", "area")
        )
        assert one["energy_kwh"].to_numpy() == pytest.approx(two["energy_kwh"].to_numpy(), rel=1e-5)


def test_corners_of_thirds_stay_on_their_plane():
    shape = shapely.box(0, 0, 10, 6)
    planes = gpd.GeoDataFrame(geometry=[shape], crs="EPSG:4549")
    azimuth = np.array([180.0])
    shapes = np.asarray(planes.geometry)
    middle = points_over(shapes, azimuth, 6)
    found = corners_of(middle, shapes, azimuth, np.array([0.9]), (0.4, 2.0)).reshape(6, 5, 2)
    assert found[:, 0] == pytest.approx(middle[0])
    assert shapely.contains_xy(shape, found[..., 0], found[..., 1]).all()
    off = np.abs(found - found[:, :1])[:, 1:]
    moved = off.sum(axis=2) > 0
    assert moved.sum() >= 12
    assert off[moved][:, 0] == pytest.approx(0.2)
    assert off[moved][:, 1] == pytest.approx(0.9)


def test_what_is_on_stands_among_the_assumptions():
    from pvplanner.plan.assumptions import _further

    assert _further(pvp.Scenario().system) == []
    rows = {row[0]: row for row in _further(scenario(**ON, shade="string").system)}
    assert set(rows) == {"low_light", "rear_light", "night_use", "ac_cable", "string_shade"}
    assert all(row[3] and row[5] for row in rows.values())
