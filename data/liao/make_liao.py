"""Make the example village: a synthetic twin of Li'ao in Longguan Township, Ningbo.

    python data/liao/make_liao.py

writes ``footprints.geojson``, ``households.csv`` and ``transformers.geojson`` beside itself, the
same bytes every time. Everything in them is made up: outlines, owners, consumption, incomes, the
grid. Only the place, the number of households (344) and the kinds and sizes of houses are like
those of a Zhejiang mountain village.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyproj import Transformer

SEED = 344
CENTRE = (121.2795, 29.7205)
DIVISION = "330203000000"
HAMLETS = (
    # name, east and north of the centre (m), direction of the rows (degrees from east), rows
    ("上里岙", -215.0, 165.0, 24.0, 4),
    ("里岙中", -45.0, 20.0, 12.0, 6),
    ("溪边", 150.0, -95.0, -6.0, 5),
    ("竹山脚", 205.0, 75.0, -28.0, 3),
    ("下里岙", 60.0, -245.0, 4.0, 5),
)
ROW_SPACING = 25.0
SURNAMES = "王李张陈周徐毛应竺崔汪俞胡朱沈郑"
GIVEN = "国建志明永福海平家伟永根阿宝正华小东仁祥云水文忠林生金土良方德兴惠英秀珍美芳"


@dataclass
class Village:
    rng: np.random.Generator
    features: list[dict] = field(default_factory=list)
    houses: list[str] = field(default_factory=list)
    extensions: dict[str, list[str]] = field(default_factory=dict)

    def add(self, ring: np.ndarray, hamlet: str, **properties: object) -> str:
        number = f"LA{len(self.features) + 1:04d}"
        east, north = ring[:, 0], ring[:, 1]
        lon, lat = TO_DEGREES.transform(X0 + east, Y0 + north)
        points = [[round(float(x), 7), round(float(y), 7)] for x, y in zip(lon, lat, strict=True)]
        points.append(points[0])
        base = {"building_id": number, "village": "里岙村（合成）", "division_code": DIVISION}
        self.features.append(
            {
                "type": "Feature",
                "properties": {**base, "hamlet": hamlet, **properties},
                "geometry": {"type": "Polygon", "coordinates": [points]},
            }
        )
        return number


TO_METRES = Transformer.from_crs(4326, 4549, always_xy=True)
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
X0, Y0 = TO_METRES.transform(*CENTRE)


def rectangle(x: float, y: float, width: float, depth: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + depth], [x, y + depth]])


def l_shape(x: float, y: float, width: float, depth: float, wing: float) -> np.ndarray:
    """A house with a wing towards the back, at its right end."""
    right, top = x + width, y + depth
    return np.array(
        [
            [x, y],
            [right, y],
            [right, top + wing],
            [right - 4.2, top + wing],
            [right - 4.2, top],
            [x, top],
        ]
    )


def placed(ring: np.ndarray, hamlet: tuple, row: int, rows: int) -> np.ndarray:
    """From the row's own metres to metres east and north of the village centre."""
    _, east, north, turn, _ = hamlet
    bend = 0.00045 * ring[:, 0] ** 2  # rows follow the contour
    local = np.column_stack([ring[:, 0], ring[:, 1] + (row - rows / 2) * ROW_SPACING])
    angle = np.radians(turn)
    turned = local @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    lift = np.array([-np.sin(angle), np.cos(angle)])
    # A whole house moves along its row's bend without being bent itself.
    return turned + np.array([east, north]) + bend.mean() * lift


def house_properties(rng: np.random.Generator, floors: int, kind: str) -> dict:
    made = {
        "floors": floors,
        "height_m": round(3.2 * floors + (1.8 if kind == "gable" else 0.9), 1),
    }
    if rng.random() < 0.93:
        made["roof_type"] = kind
    if kind == "gable":
        made["roof_material"] = "小青瓦" if rng.random() < 0.35 else "机制瓦"
    made["certificate"] = "是" if rng.random() < 0.985 else "否"
    return made


def build_row(village: Village, hamlet: tuple, row: int) -> None:
    rng, name, rows = village.rng, hamlet[0], hamlet[4]
    x, end = -88.0 + rng.uniform(0, 14), 88.0 - rng.uniform(0, 14)
    while x < end - 15:
        style = rng.random()
        if style < 0.16:
            x = build_terrace(village, hamlet, row, x)
            continue
        width, depth = rng.uniform(9.6, 13.2), rng.uniform(8.4, 10.4)
        floors = int(rng.choice([2, 3, 3, 4]))
        flat = rng.random() < 0.24
        kind = "flat" if flat else "gable"
        corner = rectangle(x, 0, width, depth)
        if not flat and style > 0.88:
            corner = l_shape(x, 0, width, depth, rng.uniform(3.6, 5.4))
        ring = placed(corner, hamlet, row, rows)
        house = village.add(ring, name, **house_properties(rng, floors, kind))
        village.houses.append(house)
        if style <= 0.88 and rng.random() < 0.34:
            shed = rectangle(x + 0.8, depth + 0.9, rng.uniform(4.2, 6.6), rng.uniform(3.6, 5.2))
            village.extensions.setdefault(house, []).append(extension(village, shed, hamlet, row))
        x += width + rng.uniform(2.2, 5.5)


def extension(village: Village, corner: np.ndarray, hamlet: tuple, row: int) -> str:
    kind = "shed" if village.rng.random() < 0.4 else "flat"
    properties = {"floors": 1, "height_m": 3.4, "roof_type": kind}
    if village.rng.random() < 0.05:
        properties["roof_material"] = "石棉瓦"
    return village.add(placed(corner, hamlet, row, hamlet[4]), hamlet[0], **properties)


def build_terrace(village: Village, hamlet: tuple, row: int, x: float) -> float:
    """Houses that share walls under one long gable."""
    rng = village.rng
    width, depth, floors = rng.uniform(4.4, 6.8), rng.uniform(9.0, 10.6), int(rng.choice([2, 3]))
    units = int(rng.integers(3, 6))
    along = rectangle(x, 0, width * units, depth)
    whole = placed(along, hamlet, row, hamlet[4])
    for unit in range(units):
        a, b = unit / units, (unit + 1) / units
        low, high = whole[1] - whole[0], whole[2] - whole[3]
        ring = np.array(
            [whole[0] + a * low, whole[0] + b * low, whole[3] + b * high, whole[3] + a * high]
        )
        house = village.add(ring, hamlet[0], **house_properties(rng, floors, "gable"))
        village.houses.append(house)
    return x + width * units + rng.uniform(2.5, 6.0)


def build_public(village: Village) -> None:
    for name, x, y, width, depth, floors, kind in (
        ("村委会", -70.0, -122.0, 26.0, 14.0, 3, "flat"),
        ("文化礼堂", -75.0, -152.0, 30.0, 17.0, 2, "gable"),
        ("居家养老中心", -110.0, -125.0, 22.0, 12.0, 2, "flat"),
        ("村办工场", -130.0, -190.0, 44.0, 20.0, 1, "flat"),
        ("卫生室", -70.0, -172.0, 14.0, 9.0, 2, "flat"),
        ("宗祠", -110.0, -155.0, 18.0, 15.0, 1, "gable"),
    ):
        village.add(
            rectangle(x, y, width, depth),
            name,
            floors=floors,
            height_m=round(3.6 * floors + 1.0, 1),
            roof_type=kind,
            project_class="general_commercial",
            certificate="是",
            protected="是" if name == "宗祠" else "否",
        )


def flag_some(village: Village) -> None:
    """A few houses of which something is known that sets them aside."""
    picks = village.rng.choice(len(village.houses), 7, replace=False)
    by_id = {f["properties"]["building_id"]: f["properties"] for f in village.features}
    for number, pick in enumerate(picks):
        properties = by_id[village.houses[pick]]
        if number < 2:
            properties["danger_grade"] = "C级" if number else "D级"
        elif number < 6:
            properties["owner_consent"] = "否"
        else:
            properties["illegal"] = "是"


def write_ledger(village: Village, path: Path) -> None:
    rng = village.rng
    houses = village.houses
    # Households beyond the number of houses are brothers under one roof.
    shared = set(rng.choice(len(houses), 344 - len(houses), replace=False).tolist())
    rows, number = [], 0
    for position, house in enumerate(houses):
        parts = [("", "")] if position not in shared else [("0.5", ""), ("0.5", "")]
        if len(parts) == 2 and rng.random() < 0.3:
            parts = [("0.6", ""), ("0.4", "")]
        for part, (share, _) in enumerate(parts):
            number += 1
            name = str(rng.choice(list(SURNAMES))) + "".join(rng.choice(list(GIVEN), 2))
            income = float(rng.lognormal(np.log(98_000), 0.55))
            use = float(rng.lognormal(np.log(2_450), 0.45))
            household = f"H{number:03d}"
            common = {
                "household_id": household,
                "household_name": name,
                "hamlet": "",
                "consumption_kwh": round(use / 10) * 10,
                "income_today": round(income / 100) * 100,
                "low_income": "是" if income < 42_000 else "否",
            }
            rows.append({**common, "building_id": house, "share": share})
            if part == 0:
                for extra in village.extensions.get(house, []):
                    rows.append({**common, "building_id": extra, "share": ""})
    hamlets = {f["properties"]["building_id"]: f["properties"]["hamlet"] for f in village.features}
    for row in rows:
        row["hamlet"] = hamlets[row["building_id"]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        names = ["household_id", "household_name", "building_id", "share", "hamlet"]
        names += ["consumption_kwh", "income_today", "low_income"]
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


GRID = (
    # id, level, superior, east and north of the centre (m), and what is known of it
    ("上里岙公变", "transformer", "里岙线", -205.0, 120.0, {"kva": 400, "power_factor": 0.95}),
    (
        "里岙中公变",
        "transformer",
        "里岙线",
        -40.0,
        -30.0,
        {"kva": 630, "power_factor": 0.95, "connected_kw": 62.0},
    ),
    (
        "溪边公变",
        "transformer",
        "里岙线",
        150.0,
        -130.0,
        {"kva": 400, "power_factor": 0.95, "registered_kw": 80.0, "registered_until": "2025-06-30"},
    ),
    (
        "竹山脚公变",
        "transformer",
        "里岙线",
        205.0,
        45.0,
        {"kva": 200, "power_factor": 0.95, "connected_kw": 45.0},
    ),
    (
        "下里岙公变",
        "transformer",
        "里岙线",
        60.0,
        -280.0,
        {"kva": 315, "power_factor": 0.95, "open_kw": 240.0, "open_on": "2025-12-31"},
    ),
    ("里岙线", "line", "龙观变", None, None, {"open_kw": 1500.0, "open_on": "2025-12-31"}),
    ("龙观变", "substation", "海曙区", None, None, {}),
    ("海曙区", "county", None, None, None, {"colour": "yellow"}),
)
"""Made-up transformers, the line that feeds them, and what stands over it."""


def write_grid(path: Path) -> None:
    rows = []
    for name, level, parent, east, north, known in GRID:
        place = None
        if east is not None:
            lon, lat = TO_DEGREES.transform(X0 + east, Y0 + north)
            place = {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]}
        told = {"transformer_id": name, "level": level, "parent": parent, **known}
        rows.append({"type": "Feature", "properties": told, "geometry": place})
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    head = '{"type": "FeatureCollection", "name": "transformers_synthetic", "features": ['
    path.write_text(f"{head}\n{body}\n]}}\n", encoding="utf-8", newline="\n")


def main() -> None:
    here = Path(__file__).resolve().parent
    village = Village(np.random.default_rng(SEED))
    for hamlet in HAMLETS:
        for row in range(hamlet[4]):
            build_row(village, hamlet, row)
    if not 300 <= len(village.houses) <= 344:
        raise SystemExit(f"{len(village.houses)} houses do not suit 344 households")
    build_public(village)
    flag_some(village)
    collection = {"type": "FeatureCollection", "name": "footprints_synthetic"}
    body = ",\n".join(json.dumps(f, ensure_ascii=False) for f in village.features)
    head = json.dumps(collection, ensure_ascii=False)[:-1]
    (here / "footprints.geojson").write_text(
        f'{head}, "features": [\n{body}\n]}}\n', encoding="utf-8", newline="\n"
    )
    write_ledger(village, here / "households.csv")
    write_grid(here / "transformers.geojson")


if __name__ == "__main__":
    main()
