"""Guessed roofs: usable area by size, ranges that hold, wings round courts, what a person knows."""

from __future__ import annotations

import geopandas as gpd
import made_roofs as made
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from conftest import SHARED
from villages import box, frame, write_village

import pvplanner as pvp
from pvplanner.roofs.guesses import (
    Guess,
    Setbacks,
    _usable_of,
    area_range,
    plain_usable,
    usable_range,
    usual_tilts,
)
from pvplanner.roofs.stated import contradicted, surveyed_tilts
from pvplanner.roofs.sunlit import relative_irradiation

SETBACKS = Setbacks(0.3, 0.5, 5.2)


def sums(planes, latitude):
    """Usable area and area times irradiation of each building, with their ranges."""
    sun = relative_irradiation(planes["surface_tilt"], planes["grid_azimuth"], latitude)
    table = pd.DataFrame({
        "usable": planes["usable_area_m2"], "usable_low": planes["usable_area_low_m2"],
        "usable_high": planes["usable_area_high_m2"], "sun": planes["area_m2"] * sun,
        "sun_low": planes["area_low_m2"] * sun, "sun_high": planes["area_high_m2"] * sun,
    })  # fmt: skip
    return table.groupby(planes["building_id"]).sum()


def held(truth, folder, latitude):
    """For each building whether the guess's ranges hold what its true planes have."""
    path = folder / "truth.gpkg"
    truth[["building_id", "surface_tilt", "surface_azimuth", "geometry"]].to_file(path)
    outlines = made.footprints(truth)
    true = sums(pvp.model_roofs(outlines, planes=path), latitude)
    guess = sums(pvp.model_roofs(outlines), latitude).reindex(true.index)
    inside = {
        name: (true[name] >= guess[f"{name}_low"] - 1e-9)
        & (true[name] <= guess[f"{name}_high"] + 1e-9)
        for name in ("usable", "sun")
    }
    return pd.DataFrame(inside), true, guess


@pytest.mark.long
def test_ranges_hold_on_roofs_that_are_not_the_prior(tmp_path):
    inside, true, guess = held(made.wide_village(2000, seed=5), tmp_path, 29.7)
    assert 0.75 <= inside["usable"].mean() <= 0.85
    assert 0.75 <= inside["sun"].mean() <= 0.85
    assert guess["usable"].sum() == pytest.approx(true["usable"].sum(), rel=0.04)
    assert guess["sun"].sum() == pytest.approx(true["sun"].sum(), rel=0.04)


@pytest.mark.skipif(not (SHARED / "data" / "selfkant").is_dir(), reason="needs ../shared")
def test_ranges_hold_on_selfkant_in_five_folds(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    from make_dsm import clean_planes

    truth = clean_planes(gpd.read_file(SHARED / "data" / "selfkant" / "roof_planes.geojson"))
    inside, true, guess = held(truth, tmp_path, 51.0)
    for name in ("usable", "sun"):
        assert 0.70 <= inside[name].mean() <= 0.90
        assert guess[name].sum() == pytest.approx(true[name].sum(), rel=0.04)
    fold = np.arange(len(inside)) % 5
    for k in range(5):
        assert inside[fold == k].to_numpy().mean() > 0.65


@pytest.mark.parametrize(("small", "large"), [((4, 4), (20, 12)), ((5, 4), (30, 15))])
def test_the_share_grows_with_the_roof(small, large):
    planes = pvp.model_roofs(frame([box(0, 0, *small), box(60, 0, *large)],
                                   roof_type=["gable", "gable"]))  # fmt: skip
    share = planes.groupby("building_id")[["usable_area_m2", "area_m2"]].sum()
    share = share["usable_area_m2"] / share["area_m2"]
    assert share["B1"] < 0.75 * share["B2"]


@pytest.mark.parametrize("size", [(6, 4), (12, 8), (40, 25)])
def test_plain_usable_area_is_exact_for_rectangles(size):
    width, depth = size
    edge = np.array([2.0 * (width + depth)])
    left = plain_usable(np.array([float(width * depth)]), edge, 0.5, 5.2)
    assert left.tolist() == pytest.approx([(width - 1) * (depth - 1)])


@pytest.mark.parametrize(("area", "edge", "setback"), [(0.9, 4, 0.5), (6, 22, 0.3), (4, 8, 0.3)])
def test_nothing_is_left_of_what_is_narrower_than_its_setbacks(area, edge, setback):
    assert plain_usable(np.array([area]), np.array([edge]), setback, 5.2).tolist() == [0]


def one(kind, of, *, area=96.0, tilt=25.0, stated=False):
    return Guess(np.array([0.0]), np.array([1.5]), np.array([area]), np.array([kind], object),
                 np.array([of], object), np.array([tilt]), np.array([stated]))  # fmt: skip


def test_a_known_roof_has_a_narrower_range_than_a_guess():
    wide = usable_range(one("gable", "house"), 30.0, SETBACKS)
    kind = usable_range(one("gable", "gable"), 30.0, SETBACKS)
    tilt = usable_range(one("gable", "gable", stated=True), 30.0, SETBACKS)
    spans = [float(high[0] - low[0]) for low, _, high in (wide, kind, tilt)]
    assert spans[0] > spans[1] > spans[2] > 0.1
    for low, mean, high in (wide, kind, tilt):
        assert low[0] <= mean[0] <= high[0]
    sun = [area_range(guess, 30.0) for guess in (one("gable", "house"), one("gable", "gable"))]
    assert sun[0][1][0] - sun[0][0][0] > sun[1][1][0] - sun[1][0][0]
    assert sun[1][2][0] == pytest.approx(0.9)


def inset(width, depth, setback):
    return max(width - 2 * setback, 0) * max(depth - 2 * setback, 0)


@pytest.mark.parametrize(("shape", "aspect"), [(0, 1.05), (1, 1.2), (2, 1.6)])
@pytest.mark.parametrize("tilt", [0.0, 20.0, 45.0])
def test_plain_roofs_hold_what_their_rectangles_do(shape, aspect, tilt):
    """A house of 96 m2: halves, one slope or the level whole, less the setbacks, by hand."""
    short = np.sqrt(96.0 / aspect)
    long, rise = 96.0 / short, 1.0 / np.cos(np.radians(tilt))
    by_hand = {
        ("flat", True): inset(long, short, 0.5),
        ("shed", True): inset(long, short * rise, 0.3),
        ("shed", False): inset(short, long * rise, 0.3),
        ("gable", True): 2 * inset(long, short / 2 * rise, 0.3),
        ("gable", False): 2 * inset(short, long / 2 * rise, 0.3),
    }
    for (kind, along), expected in by_hand.items():
        got = _usable_of(kind, 96.0, shape, tilt, along, SETBACKS)
        assert got == pytest.approx(expected), (kind, along)
    # A hip loses more: its planes have slanted edges. Its area is a gable's.
    hip = _usable_of("hip", 96.0, shape, tilt, True, SETBACKS)
    assert 0.7 * by_hand["gable", True] < hip < by_hand["gable", True]
    near, run = short, np.sqrt(short**2 / 2 + (short / 2) ** 2 * (rise**2 - 1))
    edges = 2 * (near + 2 * run) + 2 * (2 * long - near + 2 * run)
    assert hip == pytest.approx(96.0 * rise - 0.3 * edges + 4 * 4 * 0.09)


def test_small_planes_are_not_counted():
    """Two halves of a house of 14 m2 hold less than 5.2 m2 each; the level whole holds more."""
    assert _usable_of("gable", 14.0, 1, 25.0, True, SETBACKS) == 0
    assert _usable_of("flat", 14.0, 1, 0.0, True, SETBACKS) > 5.2


def test_the_mean_is_that_of_all_roofs_that_may_stand_there():
    """Known to be a gable of a known tilt: nine tilts about it, along or across, with clutter."""
    low, mean, high = usable_range(one("gable", "gable", stated=True), 30.0, SETBACKS)
    own = _usable_of("gable", 2.0 ** (20 / 3), 2, 25.0, True, SETBACKS)
    clutter = np.exp(0.08 * np.array([-1.645, -1.036, -0.674, -0.385, -0.126,
                                      0.126, 0.385, 0.674, 1.036, 1.645])).mean()  # fmt: skip
    ways = [
        (t, along, w) for t in np.linspace(21, 29, 9) for along, w in ((True, 0.9), (False, 0.1))
    ]
    held = [w * _usable_of("gable", 2.0 ** (20 / 3), 2, *way, SETBACKS) / 9 for *way, w in ways]
    assert mean[0] == pytest.approx(sum(held) / own * clutter, rel=1e-6)
    assert 0.8 < low[0] < 0.95
    assert 1.05 < high[0] < 1.2


def test_sun_on_a_known_gable_lies_between_its_tilts_and_ridges():
    low, high, likely = area_range(one("gable", "gable", stated=True), 30.0)
    assert likely[0] == pytest.approx(0.9)
    assert 0.94 < low[0] < 1.0 < high[0] < 1.06
    level = area_range(one("flat", "flat", tilt=0.0), 30.0)
    assert level[0][0] == pytest.approx(0.998)
    assert level[1][0] == pytest.approx(1 / 0.998)
    # The range of a southern house is not the range of a northern one.
    assert area_range(one("gable", "house"), 52.0)[1] != area_range(one("gable", "house"), 30.0)[1]


def test_small_roofs_may_hold_nothing():
    low, mean, high = usable_range(one("flat", "small", area=14.0, tilt=0.0), 30.0, SETBACKS)
    assert low[0] == 0
    assert 0 < mean[0] < high[0]


def test_northern_roofs_are_steeper():
    south, north = usual_tilts(30.0), usual_tilts(-51.0)
    assert south.loc["gable", "tilt_deg"] == 25
    assert north.loc["gable", "tilt_deg"] == 38
    assert (north["tilt_high_deg"] >= south["tilt_high_deg"]).all()
    assert usual_tilts(44.9).equals(south)


def test_a_stated_share_counts_over_all_that():
    scenario = pvp.Scenario(roof={"usable_middle": {"gable": 0.4}, "usable_low": {"gable": 0.3},
                                  "usable_high": {"gable": 0.6}})  # fmt: skip
    planes = pvp.model_roofs(frame([box(0, 0, 12, 8)], roof_type=["gable"]), scenario=scenario)
    share = planes[["usable_area_low_m2", "usable_area_m2", "usable_area_high_m2"]].sum()
    assert (share / planes["area_m2"].sum()).tolist() == pytest.approx([0.3, 0.4, 0.6])


# --- wings round a court --------------------------------------------------------------------------


def ring(turn=0.0, court=(6, 6, 14, 12)):
    shape = shapely.box(0, 0, 20, 18).difference(shapely.box(*court))
    turned = shapely.affinity.rotate(shape, turn, origin=(0, 0))
    return shapely.affinity.translate(turned, 355_000, 3_290_000)


@pytest.mark.parametrize("turn", [0.0, 20.0])
def test_a_ring_round_a_court_is_no_gable(turn):
    planes = pvp.model_roofs(frame([ring(turn)], roof_type=["gable"]))
    assert len(planes) == 8
    assert planes.geometry.area.sum() == pytest.approx(312)
    ways = (planes["grid_azimuth"] + turn).round().mod(180)
    assert sorted(ways.unique()) == [0, 90]
    court = shapely.box(6, 6, 14, 12)
    middle = shapely.affinity.translate(shapely.affinity.rotate(court, turn, origin=(0, 0)),
                                        355_000, 3_290_000)  # fmt: skip
    assert planes.geometry.intersection(middle).area.max() < 1e-6


@pytest.mark.parametrize("court", [
    shapely.Point(10, 9).buffer(4), shapely.box(3, 3, 9, 8),
    shapely.union_all([shapely.box(3, 3, 8, 8), shapely.box(12, 9, 17, 14)]),
    shapely.Polygon([(10, 3), (16, 9), (10, 15), (4, 9)]),
])  # fmt: skip
def test_nothing_of_a_ring_is_lost_or_twice(court):
    shape = shapely.affinity.translate(shapely.box(0, 0, 20, 18).difference(court),
                                       355_000, 3_290_000)  # fmt: skip
    planes = pvp.model_roofs(frame([shape], roof_type=["gable"]))
    assert len(planes) >= 6
    assert planes.geometry.area.sum() == pytest.approx(shape.area, rel=1e-6)
    assert shapely.union_all(np.asarray(planes.geometry)).area == pytest.approx(shape.area)
    modules = np.asarray(pvp.module_outlines(planes).geometry)
    assert shapely.area(shapely.difference(modules, shape.buffer(1e-6))).max() < 1e-6


def test_a_shaft_is_no_court():
    planes = pvp.model_roofs(frame([ring(court=(9, 8, 11, 10))], roof_type=["gable"]))
    assert len(planes) == 2
    assert planes.geometry.area.sum() == pytest.approx(356)


# --- what a person knows --------------------------------------------------------------------------


def surveyed(folder, rows, **stated):
    """A village seen by a surface model, with a survey of its first house."""
    truth = made.village([[made.gable(12, 10, 25, 6)], [made.flat(12, 10, 7)]] * 3)
    made.write(folder / "d.tif", *made.surface(truth, sigma=0.03, seed=1))
    outlines = made.footprints(truth)
    book = openpyxl.Workbook()
    book.active.append(["building_id", *stated])
    for row in rows:
        book.active.append([row, *stated.values()])
    book.save(folder / "s.xlsx")
    path = write_village(folder, outlines, 'dsm = "d.tif"\nsurvey = "s.xlsx"\n')
    return pvp.plan_village(pvp.Scenario.from_toml(path)).planes


def test_a_surveyed_tilt_wins_over_what_was_measured(tmp_path):
    planes = surveyed(tmp_path, ["B0000"], roof_tilt=33)
    mine = planes[planes["building_id"] == "B0000"]
    assert mine["surface_tilt"].tolist() == [33, 33]
    assert set(mine["tilt_source"]) == {"survey"}
    assert set(mine["source"]) == {"dsm"}
    assert mine["area_m2"].sum() == pytest.approx(120 / np.cos(np.radians(33)), rel=0.02)
    others = planes[planes["building_id"] != "B0000"]
    assert set(others["tilt_source"]) == {"dsm"}


def test_a_surveyed_roof_of_another_kind_wins_over_what_was_seen(tmp_path):
    planes = surveyed(tmp_path, ["B0000"], roof_type="flat")
    mine = planes[planes["building_id"] == "B0000"]
    assert mine["surface_tilt"].tolist() == [0]
    assert mine["source"].tolist() == ["typology"]
    assert mine["source_reason"].tolist() == ["surveyed"]
    same = surveyed(tmp_path, ["B0000"], roof_type="hip")
    assert set(same[same["building_id"] == "B0000"]["source"]) == {"dsm"}


def stated_roofs(kind, flat_share):
    """A building with planes of which a share is level, and a survey that names its kind."""
    shapes = [box(0, 0, 10 * flat_share, 10), box(10 * flat_share, 0, 10 * (1 - flat_share), 10)]
    planes = frame(shapes).assign(row=[0, 0], surface_tilt=[2.0, 25.0])
    buildings = frame([box(0, 0, 10, 10)]).assign(surveyed="floors roof_type", roof_type=kind)
    return planes, buildings


@pytest.mark.parametrize(("kind", "flat_share", "other"), [
    ("flat", 0.3, True), ("flat", 0.7, False), ("gable", 0.3, False), ("gable", 0.7, True),
    ("hip", 0.7, True), ("shed", 0.7, True), ("flat", 0.99, False), ("gable", 0.01, False),
])  # fmt: skip
def test_a_survey_contradicts_what_most_of_a_roof_shows(kind, flat_share, other):
    planes, buildings = stated_roofs(kind, flat_share)
    assert contradicted(planes, buildings).tolist() == [other]
    assert contradicted(planes, buildings.assign(surveyed="floors")).tolist() == [False]
    assert contradicted(planes, buildings.drop(columns="surveyed")).tolist() == [False]
    assert contradicted(planes.iloc[:0], buildings).tolist() == [False]


def test_a_surveyed_tilt_goes_to_pitched_planes_that_nobody_drew():
    planes, buildings = stated_roofs("gable", 0.5)
    buildings = buildings.assign(surveyed="roof_tilt", roof_tilt=31.0)
    planes = planes.assign(source="dsm", tilt_source="dsm")
    told = surveyed_tilts(planes, buildings)
    assert told["surface_tilt"].tolist() == [2, 31]
    assert told["tilt_source"].tolist() == ["dsm", "survey"]
    edge = surveyed_tilts(planes.assign(surface_tilt=5.0), buildings)
    assert edge["surface_tilt"].tolist() == [31, 31]
    drawn = surveyed_tilts(planes.assign(source="drawn"), buildings)
    assert drawn["surface_tilt"].tolist() == [2, 25]
    blank = surveyed_tilts(planes, buildings.assign(roof_tilt=np.nan))
    assert blank["surface_tilt"].tolist() == [2, 25]


# --- water heaters --------------------------------------------------------------------------------


def test_water_heaters_stay_or_make_room(tmp_path):
    truth = made.village([[made.flat(14, 10, 7)] for _ in range(4)])
    heights, west, north = made.surface(truth, cell=0.25, sigma=0.02, seed=1)
    left, low, *_ = made.footprints(truth).geometry.iloc[0].bounds
    row, col = int((north - low - 5) / 0.25), int((left + 6 - west) / 0.25)
    heights[row : row + 8, col : col + 6] += 1.0  # 2.0 m by 1.5 m
    made.write(tmp_path / "d.tif", heights, west, north, 0.25)
    told = {}
    for choice in ("stay", "go"):
        scenario = pvp.Scenario(roof={"water_heaters": choice})
        planes = pvp.model_roofs(made.footprints(truth), dsm=tmp_path / "d.tif", scenario=scenario)
        told[choice] = planes[planes["building_id"] == "B0000"].iloc[0]
    assert told["stay"]["obstacle_area_m2"] == pytest.approx(3.0, abs=0.8)
    assert told["go"]["obstacle_area_m2"] == 0
    assert told["go"]["usable"].area > told["stay"]["usable"].area + 3
    assert told["go"]["usable_area_m2"] > told["stay"]["usable_area_m2"] + 3
    flat = made.footprints(truth).assign(roof_type="flat")
    choices = [pvp.Scenario(roof={"water_heaters": choice}) for choice in ("stay", "go")]
    guessed = [pvp.model_roofs(flat, scenario=s)["usable_area_m2"].sum() for s in choices]
    assert guessed[1] == pytest.approx(guessed[0] * 0.94 / 0.90)


# --- a limit on height ----------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0.5, 0.7, 0.88, 2.0])
@pytest.mark.parametrize("orientation", ["auto", "portrait", "landscape"])
def test_modules_are_reckoned_at_the_tilt_they_are_laid_at(limit, orientation):
    roof = frame([box(0, 0, 14, 9)], roof_type=["flat"])
    scenario = pvp.Scenario(module={"height_limit_m": limit, "orientation": orientation,
                                    "flat_tilt": 15.0})  # fmt: skip
    planes = pvp.model_roofs(roof, scenario=scenario)
    arrays = pvp.lay_modules(planes, scenario=scenario)
    outlines = pvp.module_outlines(planes, scenario=scenario)
    product = pvp.find_product(scenario) if hasattr(pvp, "find_product") else None
    rings = shapely.get_coordinates(shapely.get_exterior_ring(np.asarray(outlines.geometry)))
    sides = np.linalg.norm(np.diff(rings.reshape(-1, 5, 2), axis=1), axis=2)[:, :2]
    wide, long = (product.width_m, product.length_m) if product else (1.134, 2.278)
    laid = []
    for along, up in sides:
        true = long if abs(along - wide) < 0.01 else wide
        laid.append(np.degrees(np.arccos(np.clip(up / true, -1, 1))))
    assert arrays["surface_tilt"].iloc[0] == pytest.approx(np.mean(laid), abs=0.2)
    top = 0.3 + max(long if orientation != "landscape" else wide, 0) * np.sin(
        np.radians(arrays["surface_tilt"].iloc[0])
    )
    assert top <= max(limit, 0.3) + 1e-6 or arrays["surface_tilt"].iloc[0] == 15.0
