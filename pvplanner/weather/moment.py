"""Where the sun of a file's hours is taken: as asked, as the file says, or as its light shows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding, InputError
from pvplanner.weather.frame import MIDDLE_MINUTES
from pvplanner.weather.raw import RawWeather
from pvplanner.weather.stamps import Sun, find_sun, noon_of_light, sun_arc

CSWD_OFFSET = 0.0
"""Minutes: by the daily centroid of GHI, the sun of 220 of 270 CSWD files stands at the index; kept
where the light of a file does not say otherwise."""

CLAIM_MINUTES = {"usual": 10.0, "moved": 10.0}
OTHER_CLAIM_MINUTES = 25.0
"""Minutes by which a file's light may differ from what it says of its stamps: where the components
close, and else, as fog moves the middle of the light."""

ODD_OFFSETS = (-70.0, 75.0)
"""Minutes beyond which no way of stamping puts the sun (CSWD files lie as low as -61): the zone is
off by an hour."""

TWO_CLOCKS = 40.0
"""Minutes between summer's and winter's moments from which a year has two clocks."""

NOON_REFUSED, NOON_DOUBTED = 100.0, 50.0
"""Minutes that the middle of the light may lie from the sun's noon."""


def usual_minutes(raw: RawWeather) -> float:
    """Where the sun stands in files of this kind, minutes after the interval's start."""
    return CSWD_OFFSET if raw.chinese_standard else MIDDLE_MINUTES


def check_noon(offset: float, data: pd.DataFrame, name: str, raw: RawWeather) -> list[Finding]:
    """The light's middle of the day held against the sun's: a zone or stamps that are wrong."""
    index = pd.DatetimeIndex(data.index)
    arc = sun_arc(index, raw.latitude, raw.longitude)
    noon = noon_of_light(data["ghi"].to_numpy(dtype=float), arc)
    if noon is None:
        return []
    found: list[Finding] = []
    zone = f"UTC{raw.utc_offset_hours:+g}"
    far, away = noon[0] - usual_minutes(raw), noon[0] - offset
    if abs(far) > NOON_REFUSED:
        raise InputError("weather_noon", where=name, minutes=f"{far:+.0f}", zone=zone)
    params = {"minutes": f"{away:+.0f}", "zone": zone}
    if abs(away) > NOON_DOUBTED:
        found.append(Finding("weather_noon_off", name, params=params))
    if not ODD_OFFSETS[0] <= offset <= ODD_OFFSETS[1]:
        params = {"minutes": f"{offset:+.0f}", "zone": zone}
        found.append(Finding("weather_zone_hour", name, params=params))
    summer = np.isin(index.month, range(4, 10))
    two = [noon_of_light(np.where(part, data["ghi"].to_numpy(dtype=float), 0.0), arc)
           for part in (summer, ~summer)]  # fmt: skip
    if two[0] and two[1] and abs(two[0][0] - two[1][0]) > TWO_CLOCKS:
        params = {"minutes": f"{abs(two[0][0] - two[1][0]):.0f}"}
        found.append(Finding("weather_two_clocks", name, params=params))
    return found


def seen_sun(raw: RawWeather, data: pd.DataFrame, *, closes: bool) -> Sun | None:
    """Where the light itself puts the sun; ``None`` without light."""
    usual = usual_minutes(raw)
    return find_sun(data, raw.latitude, raw.longitude, usual=usual, closes=closes)


def place_sun(
    raw: RawWeather,
    seen: Sun | None,
    closure: dict[int, float],
    asked: float | str,
    minutes: float,
    name: str,
) -> tuple[Sun, Finding]:
    """Where the sun is taken: as asked, as the file says, or as its light shows."""
    shown = ", ".join(f"{at:+d}: {rms:.1f}" for at, rms in closure.items()) or "-"
    untold = reference.constant("time_stamp_minutes").value

    def found(sun: Sun, code: str, **more: object) -> tuple[Sun, Finding]:
        sure = f"{max(1.28 * sun.sigma, 1.0):.0f}"
        told = {"minutes": sun.minutes, "sigma": sure, "closure": shown}
        return sun, Finding(f"sun_offset_{code}", name, params={**told, **more})

    if asked != "auto":
        return found(Sun(float(asked), 0.0, "given"), "given")
    # Hourly stamps off the full hour are instants, as PVGIS writes them.
    said = raw.stated_offset_minutes if raw.stated_offset_minutes is not None else minutes or None
    if said is not None:
        claim = Sun(round(said, 2), 0.0, "stated")
        if seen is None:
            return found(claim, "stated")
        far = CLAIM_MINUTES.get(seen.verdict, OTHER_CLAIM_MINUTES)
        if abs(seen.minutes - said) <= max(far, 3 * seen.sigma):
            return found(claim, "stated")
        return found(seen, "contradicted", said=f"{said:g}")
    if seen is None:
        return found(Sun(usual_minutes(raw), untold, "assumed"), "assumed")
    return found(seen, seen.verdict)
