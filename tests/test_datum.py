"""Chinese datums against published points, and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from pvplanner.buildings import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    metric_crs,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from pvplanner.buildings.datum import zone_prefixed_epsg

# eviltransform's published test points: latitude, longitude.
GOLDEN = [
    ((31.1774276, 121.5272106), (31.1753039836, 121.5315418592)),
    ((39.911954, 116.377817), (39.9133454554, 116.3840472246)),
]


@pytest.mark.parametrize(("wgs", "gcj"), GOLDEN)
def test_gcj02_golden_points(wgs, gcj):
    lon, lat = wgs84_to_gcj02(np.array([wgs[1]]), np.array([wgs[0]]))
    assert lat[0] == pytest.approx(gcj[0], abs=1e-8)
    assert lon[0] == pytest.approx(gcj[1], abs=1e-8)


@pytest.mark.parametrize(
    ("there", "back"), [(wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)]
)
def test_inverse_over_china_within_a_decimetre(there, back):
    lon, lat = (v.ravel() for v in np.meshgrid(np.arange(74, 135, 0.5), np.arange(18, 54, 0.5)))
    lon2, lat2 = back(*there(lon, lat))
    miss = Geod(ellps="WGS84").inv(lon, lat, lon2, lat2)[2]
    assert np.max(miss) < 0.1


def test_outside_china_nothing_is_shifted():
    lon, lat = wgs84_to_gcj02(np.array([6.0]), np.array([51.0]))
    assert (lon[0], lat[0]) == (6.0, 51.0)


@pytest.mark.parametrize(
    ("longitude", "latitude", "epsg"),
    [
        (121.28, 29.72, 4549),  # Longguan
        (121.60, 29.87, 4550),  # Ningbo, east of 121.5
        (91.1, 29.65, 4539),  # Lhasa, central meridian 90
        (4.36, 52.0, 32631),  # Delft
        (18.47, -33.5, 32734),  # Mamre
        (-112.0, 33.4, 32612),  # Phoenix
        (139.7, 35.7, 32654),  # Tokyo
    ],
)
def test_metric_crs_by_place(longitude, latitude, epsg):
    assert metric_crs(longitude, latitude).to_epsg() == epsg


@pytest.mark.parametrize(
    ("easting", "epsg"), [(40_527_000, 4528), (39_500_000, 4527), (527_000, None), (99e6, None)]
)
def test_zone_prefixed_eastings(easting, epsg):
    assert zone_prefixed_epsg(easting) == epsg


@settings(max_examples=60, deadline=None)
@given(st.floats(75, 134), st.floats(18, 53))
def test_shift_is_hundreds_of_metres(longitude, latitude):
    lon, lat = wgs84_to_gcj02(np.array([longitude]), np.array([latitude]))
    miss = Geod(ellps="WGS84").inv(longitude, latitude, lon[0], lat[0])[2]
    assert 5 < miss < 1200
