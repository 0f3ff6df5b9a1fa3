"""Two inputs held against each other, and outlines against what can be one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from helps import codes
from villages import EAST, NORTH, box, frame, write_village

import pvplanner as pvp
from pvplanner.buildings.repair import judge_shapes
from pvplanner.terrain import write_heights
from pvplanner.weather import usual_light

CELL = 0.5


def houses(kind: str, rng) -> list:
    if kind == "row":
        return [box(8 * (n % 12), 30 * (n // 12), 8, 10) for n in range(24)]
    return [
        box(25 * (n % 6) + rng.uniform(0, 4), 22 * (n // 6), 9 + rng.uniform(0, 3), 8,
            float(rng.uniform(0, 90))) for n in range(24)
    ]  # fmt: skip


def scene(path, shapes, east: float, north: float, rng, slope: float = 0.05) -> None:
    """A surface model whose houses lie beside their outlines, on a slope, with trees."""
    x, y = np.meshgrid(EAST - 30 + np.arange(440) * CELL, NORTH + 130 - np.arange(360) * CELL)
    heights = slope * (x - EAST) + rng.normal(0, 0.05, x.shape)
    for _ in range(12):
        tree = shapely.Point(EAST + rng.uniform(-20, 180), NORTH + rng.uniform(-30, 110))
        heights = np.where(shapely.contains_xy(tree.buffer(2.5), x, y), heights + 9, heights)
    for shape in shapes:
        moved = shapely.affinity.translate(shape, east, north)
        heights = np.where(shapely.contains_xy(moved, x, y), slope * (x - EAST) + 6.5, heights)
    corner = (EAST - 30 - CELL / 2, NORTH + 130 + CELL / 2)
    write_heights(path, heights, corner, CELL, "EPSG:4549")


def test_a_plan_says_that_its_surface_model_lies_elsewhere(tmp_path):
    rng = np.random.default_rng(4)
    shapes = houses("detached", rng)
    told = {}
    for name, shift in (("far", (6.0, -4.0)), ("near", (3.0, -2.0)), ("sound", (0.0, 0.0))):
        scene(tmp_path / f"{name}.tif", shapes, *shift, rng)
        path = write_village(tmp_path, frame(shapes), f'dsm = "{name}.tif"\n')
        plan = pvp.plan_village(pvp.Scenario.from_toml(path))
        told[name] = [f for f in plan.findings if f.code in ("surface_shifted", "surface_moved")]
    assert [f.code for f in told["far"]] == ["surface_shifted"]
    assert [f.code for f in told["near"]] == ["surface_moved"]
    assert told["sound"] == []
    assert all(f.doubtful for name in ("far", "near") for f in told[name])
    assert "+6.0 m east" in told["far"][0].text("en")
    assert "-4.0 m north" in told["far"][0].text("en")


def judged(shapes, **columns):
    told, findings = judge_shapes(frame(shapes, **columns), where="f")
    return told, codes(findings)


def test_outlines_of_kilometres_are_no_roofs():
    shapes = [box(30 * n, 0, 12, 9) for n in range(6)]
    told, said = judged([*shapes, box(5_000, 0, 10_000, 12), box(0, 900, 700, 400)])
    assert list(told["status_reason"][-2:]) == ["too_large", "too_large"]
    assert (told["status"][:6] == "ok").all()
    assert "shape_too_large" in said
    told, said = judged([*shapes, box(0, 900, 300, 100)])
    assert told["status"].iloc[-1] == "ok"


def test_a_hole_outside_its_shell_takes_nothing_and_adds_nothing():
    shell = [(0, 0), (34, 0), (34, 23), (0, 23)]
    outside = [(60, 0), (72, 0), (72, 10), (60, 10)]
    inside = [(5, 5), (10, 5), (10, 10), (5, 10)]
    base = np.array([EAST, NORTH])
    rings = [[tuple(base + p) for p in ring] for ring in (shell, outside, inside)]
    told, said = judged([shapely.Polygon(rings[0], rings[1:2]), box(100, 0, 10, 10)])
    assert told.geometry.iloc[0].area == pytest.approx(34 * 23)
    assert "shape_ring_repaired" in said
    told, _ = judged([shapely.Polygon(rings[0], rings[1:]), box(100, 0, 10, 10)])
    assert told.geometry.iloc[0].area == pytest.approx(34 * 23 - 25)
    # A figure of eight keeps both its halves.
    eight = shapely.Polygon([tuple(base + p) for p in ((0, 0), (20, 20), (20, 0), (0, 20))])
    told, _ = judged([eight, box(100, 0, 10, 10)])
    assert told.geometry.iloc[0].area == pytest.approx(200)


def test_which_of_two_twins_stays_goes_by_identifier():
    shapes = [box(0, 0, 12, 9), box(0, 0, 12, 9), box(60, 0, 12, 9)]
    for ids in (["B10", "B2", "C"], ["B2", "B10", "C"]):
        told, _ = judged(shapes, building_id=ids)
        by = told.set_index("building_id")["status_reason"]
        assert by["B2"] == ""
        assert by["B10"] == "duplicate:B2"


def test_outlines_of_another_village_move_nothing():
    shapes = [box(0, 0, 12, 9), box(6, 0, 14, 9), box(60, 0, 12, 9)]
    told, _ = judged(shapes, village=["A", "B", "A"], division_code=["1", "2", "1"])
    assert (told["status"] == "ok").all()
    told, _ = judged(shapes, village=["A", "A", "A"])
    assert (told["status"] != "ok").any()
    told, _ = judged(shapes, village=pd.array(["A", None, "A"], dtype="string"))
    assert (told["status"] != "ok").any()


def test_the_light_of_a_place():
    assert 1150 < usual_light(29.9, 121.6) < 1400
    assert np.isnan(usual_light(10.0, -60.0))
