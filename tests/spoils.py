"""A sound village, and named ways in which the field spoils its files.

The village is small and made of exact shapes: ten gables on level ground, a ledger, a meter, a year
of hourly weather, a surface model. A spoil changes one file as offices, meters and spreadsheets do;
``numbers`` says what a plan makes of the village, so that a spoilt twin can be held against it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pvlib
import rasterio
import shapely
from rasterio.transform import from_origin

import pvplanner as pvp
from pvplanner.plan import open_plan

EAST, NORTH, CRS = 620_700.0, 3_289_000.0, "EPSG:4549"
LAT, LON, ZONE = 29.7166, 121.248, 8
GROUND, TILT, CELL = 120.0, 25.0, 0.5
HOURS = pd.date_range("2023-01-01", periods=8760, freq="h")

SCENARIO = """name = "spoilt"
[site]
buildings = "{buildings}"
households = "{households}"
weather = "{weather}"
dsm = "dsm.tif"
province = "Zhejiang"
{site}
[module]
yield_share_min = 0.5
[demand]
meter = "{meter}"
{demand}
[finance]
model = "self_use"
"""


def day_shape(parts: int) -> np.ndarray:
    """Use of a household by part of the day, kWh a part; 8 kWh a day."""
    hour = (np.arange(parts) + 0.5) * 24 / parts
    shape = 0.3 + 0.5 * np.exp(-(((hour - 7.5) / 1.5) ** 2)) + np.exp(-(((hour - 19.5) / 2.5) ** 2))
    return 8 * shape / shape.sum()


def outlines(count: int = 10) -> gpd.GeoDataFrame:
    """Houses of 12 by 10 m in two rows, 20 m apart; numbers as text."""
    at = [(EAST + 22 * (n % 5), NORTH + 24 * (n // 5)) for n in range(count)]
    shapes = [shapely.box(x, y, x + 12, y + 10) for x, y in at]
    data = {
        "building_id": [str(n + 1) for n in range(count)],
        "floors": [1 + n % 3 for n in range(count)],
        "height_m": [4.0 + 3 * (n % 3) for n in range(count)],
        "roof_type": ["gable"] * count,
    }
    return gpd.GeoDataFrame(data, geometry=shapes, crs=CRS)


def weather_rows(step: int = 60) -> pd.DataFrame:
    """A year alike before and after noon, cloudier on some days; means of each interval."""
    return _weather(step).copy()


def ledger(count: int = 10) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "户号": [f"H{n + 1}" for n in range(count)],
            "房屋编号": [str(n + 1) for n in range(count)],
            "户主": [f"张{n + 1}" for n in range(count)],
            "年用电量": [2400 + 120 * n for n in range(count)],
            "年收入": [30_000 + 1500 * n for n in range(count)],
        }
    ).astype(str)


def meter_rows(step: int = 60, scale: float = 1.0) -> pd.DataFrame:
    times = pd.date_range("2023-01-01", periods=8760 * 60 // step, freq=f"{step}min")
    use = np.tile(day_shape(1440 // step), 365)
    parts = [
        pd.DataFrame({"household_id": h, "time": times.strftime("%Y-%m-%d %H:%M"),
                      "kwh": np.round(scale * size * use, 6)})
        for h, size in (("H1", 1.0), ("H2", 0.7))
    ]  # fmt: skip
    return pd.concat(parts)


@cache
def _weather(step: int) -> pd.DataFrame:
    step_minutes = 5
    fine = pd.date_range("2023-01-01", periods=8760 * 12, freq="5min", tz=f"Etc/GMT-{ZONE}")
    sun = pvlib.solarposition.get_solarposition(fine + pd.Timedelta(minutes=2.5), LAT, LON)
    zenith = sun["apparent_zenith"].to_numpy()
    cosine = np.maximum(np.cos(np.radians(zenith)), 0)
    day = np.arange(len(fine)) // (1440 // step_minutes)
    cloud = np.random.default_rng(3).uniform(0.0, 0.85, 365)[day]
    dni = np.where(cosine > 0, 900 * np.exp(-0.13 / np.maximum(cosine, 0.05)), 0) * (1 - cloud)
    dhi = np.where(cosine > 0, 70 * np.sqrt(cosine) + 220 * cloud * cosine, 0)
    frame = pd.DataFrame({"ghi": dni * cosine + dhi, "dni": dni, "dhi": dhi}, index=fine)
    frame["temp_air"] = 18 + 9 * np.sin(2 * np.pi * (day - 110) / 365)
    frame["wind_speed"] = 2.0
    out = frame.resample(f"{step}min").mean()
    out.index = out.index.tz_localize(None)
    return out.round(3).rename_axis("time").reset_index()


def surface(houses: gpd.GeoDataFrame) -> np.ndarray:
    """Heights of gables over level ground; ridges run east-west, noise of 3 cm."""
    rows, cols = int(90 / CELL), int(150 / CELL)
    y = NORTH + 60 - (np.arange(rows) + 0.5)[:, None] * CELL
    x = EAST - 20 + (np.arange(cols) + 0.5)[None, :] * CELL
    heights = np.full((rows, cols), GROUND)
    for house in houses.itertuples():
        west, south, east, north = house.geometry.bounds
        inside = (x >= west) & (x < east) & (y >= south) & (y < north)
        rise = (5 - np.abs(y - (south + north) / 2)) * np.tan(np.radians(TILT))
        heights = np.where(inside, GROUND + house.height_m + rise, heights)
    return heights + np.random.default_rng(5).normal(0, 0.03, heights.shape)


PLACE = from_origin(EAST - 20, NORTH + 60, CELL, CELL)


def save_surface(path: Path, heights: np.ndarray, **more: object) -> None:
    kind = str(heights.dtype) if heights.dtype != np.float64 else "float32"
    profile = {"driver": "GTiff", "height": heights.shape[0], "width": heights.shape[1],
               "count": 1, "dtype": kind, "crs": CRS, "transform": PLACE} | more  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(heights.astype(kind), 1)


def save_weather(path: Path, rows: pd.DataFrame, head: str | None = None, **more: object) -> None:
    head = f"# latitude: {LAT}\n# longitude: {LON}\n" if head is None else head
    path.write_text(head + rows.to_csv(index=False, **more), encoding="utf-8")


class Village:
    """A folder with a sound village in it; ``save`` writes its scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = {"buildings": "houses.gpkg", "households": "ledger.csv",
                      "weather": "weather.csv", "meter": "meter.csv"}  # fmt: skip
        self.site, self.demand = "", ""

    @classmethod
    def made(cls, folder: Path) -> Village:
        folder.mkdir(parents=True)
        own = cls(folder)
        houses = outlines()
        houses.to_file(folder / "houses.gpkg")
        ledger().to_csv(folder / "ledger.csv", index=False)
        meter_rows().to_csv(folder / "meter.csv", index=False)
        save_weather(folder / "weather.csv", weather_rows())
        save_surface(folder / "dsm.tif", surface(houses))
        own.save()
        return own

    def copy(self, folder: Path) -> Village:
        shutil.copytree(self.folder, folder)
        return Village(folder)

    def save(self) -> Path:
        text = SCENARIO.format(**self.names, site=self.site, demand=self.demand)
        path = self.folder / "scenario.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def path(self, key: str) -> Path:
        return self.folder / self.names[key]

    def renamed(self, key: str, name: str) -> Path:
        """Another file takes the place of one."""
        self.path(key).unlink()
        self.names[key] = name
        return self.folder / name


def numbers(village: Village, store: Path) -> tuple[dict[str, float], list]:
    """What a plan makes of a village, and what it found."""
    scenario = pvp.Scenario.from_toml(village.save())
    plan = open_plan(scenario, store=store)
    buildings, people = plan.result("buildings"), plan.result("people")
    used = buildings[buildings["status"] != "set_aside"]
    planes, energy, arrays = (plan.result(n) for n in ("planes", "energy", "arrays"))
    ledger_rows = people[~people["own_building"].astype(bool)]
    linked = plan.result("links")
    meter = plan.result("meter")
    south = arrays["surface_azimuth"].between(135, 225)
    values = {
        "outlines": len(used),
        "outline_m2": used.geometry.area.sum(),
        "latitude": plan.place.latitude,
        "longitude": plan.place.longitude,
        "floors": used["floors"].sum(),
        "height_m": used["height_m"].sum(),
        "households": len(ledger_rows),
        "links": linked["household_id"].isin(ledger_rows["household_id"]).sum(),
        "consumption_kwh": ledger_rows["consumption_kwh"].sum(),
        "income": ledger_rows["income_today"].sum(),
        "meter_kwh": meter.to_numpy().sum(),
        "meter_night_kwh": meter.to_numpy()[np.arange(8760) % 24 < 6].sum() if len(meter) else 0.0,
        "light": plan.result("year")["ghi"].sum(),
        "roof_m2": planes["area_m2"].sum(),
        "modules": arrays["modules"].sum(),
        "energy_kwh": energy["energy_kwh"].sum(),
        "south_kwh": energy.loc[south.to_numpy(), "energy_kwh"].sum(),
        "morning_kwh": _half(plan),
    }
    return {k: float(v) for k, v in values.items()}, list(plan.findings)


def _half(plan: pvp.Plan) -> float:
    """What a roof to the east yields: it hangs on when the sun stood where."""
    from pvplanner.weather import Weather

    weather = Weather.from_table(plan.result("year"))
    east = pd.DataFrame({"capacity_kwp": [1.0], "surface_tilt": [40.0], "surface_azimuth": [90.0]})
    return float(pvp.simulate_energy(east, weather, scenario=pvp.Scenario())["energy_kwh"].iloc[0])


SPOILS: dict[str, tuple[str, Callable[[Village, np.random.Generator], None]]] = {}
"""By name: the file that is spoilt, and how."""


def spoil(key: str) -> Callable:
    def named(function: Callable) -> Callable:
        SPOILS[function.__name__] = (key, function)
        return function

    return named


# --- outlines -----------------------------------------------------------------------------------


def _houses(village: Village) -> gpd.GeoDataFrame:
    return gpd.read_file(village.path("buildings"))


def _again(village: Village, houses: gpd.GeoDataFrame, name: str = "houses.gpkg", **more) -> Path:
    path = village.renamed("buildings", name)
    houses.to_file(path, **more)
    return path


@spoil("buildings")
def zone_beside(village, rng):
    houses = _houses(village).set_crs(f"EPSG:{rng.choice([4547, 4548, 4550, 4551])}",
                                      allow_override=True)  # fmt: skip
    _again(village, houses)


@spoil("buildings")
def latitude_first(village, rng):
    houses = _houses(village).to_crs(4326)
    houses.geometry = shapely.transform(houses.geometry.to_numpy(), lambda p: p[:, ::-1])
    _again(village, houses, "houses.geojson")


@spoil("buildings")
def stray_at_zero(village, rng):
    houses = _houses(village)
    extra = houses.iloc[[0]].assign(building_id="99")
    x, y = rng.choice([0.0, 1.0, 1e5], 2)
    extra.geometry = [shapely.box(x, y, x + 10, y + 10)]
    _again(village, pd.concat([houses, extra], ignore_index=True))


@spoil("buildings")
def boundary_in_layer(village, rng):
    houses = _houses(village)
    extra = houses.iloc[[0]].assign(building_id="界", floors=np.nan, height_m=np.nan)
    around = houses.union_all().convex_hull.buffer(rng.uniform(5, 200))
    extra.geometry = [around if rng.random() < 0.5 else shapely.box(*around.bounds)]
    _again(village, pd.concat([houses, extra], ignore_index=True))


@spoil("buildings")
def plots_in_layer(village, rng):
    houses = _houses(village)
    plots = houses.assign(building_id="地" + houses["building_id"], height_m=np.nan, floors=np.nan)
    plots.geometry = houses.geometry.buffer(rng.uniform(2.0, 4.5), join_style="mitre")
    _again(village, pd.concat([plots, houses], ignore_index=True))


@spoil("buildings")
def hamlets_in_layer(village, rng):
    houses = _houses(village)
    rows = [houses.iloc[:5], houses.iloc[5:]]
    extra = houses.iloc[[0, 5]].assign(building_id=["东组", "西组"])
    extra.geometry = [r.union_all().convex_hull.buffer(rng.uniform(1, 4)) for r in rows]
    _again(village, pd.concat([extra, houses], ignore_index=True))


@spoil("buildings")
def every_house_twice(village, rng):
    houses = _houses(village)
    _again(village, pd.concat([houses, houses], ignore_index=True))


@spoil("buildings")
def ids_as_floats(village, rng):
    houses = _houses(village)
    _again(village, houses.assign(building_id=houses["building_id"].astype(float)))


@spoil("buildings")
def ids_in_full_width(village, rng):
    houses = _houses(village)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    _again(village, houses.assign(building_id=houses["building_id"].str.translate(wide)))


@spoil("buildings")
def ids_with_zeros(village, rng):
    houses = _houses(village)
    _again(
        village, houses.assign(building_id=houses["building_id"].str.zfill(int(rng.integers(3, 6))))
    )


@spoil("buildings")
def tag_for_an_id(village, rng):
    houses = _houses(village).rename(columns={"building_id": "osm_id"})
    _again(
        village, houses.assign(building=rng.choice(["yes", "house", "residential"], len(houses)))
    )


@spoil("buildings")
def code_page_of_another(village, rng):
    houses = _houses(village)
    houses = houses.rename(columns={"building_id": "bldg_id"}).assign(hamlet="中村")
    encoding = str(rng.choice(["GBK", "UTF-8"]))
    path = _again(village, houses, "houses.shp", encoding=encoding)
    said = {"GBK": ["UTF-8", "OEM", "System", "ANSI 1252"], "UTF-8": ["936", "ANSI 936", "OEM"]}
    path.with_suffix(".cpg").write_text(str(rng.choice(said[encoding])))


@spoil("buildings")
def heights_in_feet_as_text(village, rng):
    houses = _houses(village)
    told = [f"{h / 0.3048:.2f} ft" for h in houses["height_m"]]
    _again(village, houses.assign(height_m=told))


@spoil("buildings")
def heights_in_centimetres(village, rng):
    houses = _houses(village)
    _again(village, houses.assign(height_m=houses["height_m"] * 100))


@spoil("buildings")
def floors_in_words(village, rng):
    houses = _houses(village)
    _again(village, houses.assign(floors=[f"{int(n)}层" for n in houses["floors"]]))


@spoil("buildings")
def heading_with_unit(village, rng):
    houses = _houses(village)
    told = (houses["height_m"] * 100).round(1)
    _again(village, houses.assign(height_m=told).rename(columns={"height_m": "高度（厘米）"}),
           "houses.geojson")  # fmt: skip


@spoil("buildings")
def shifted_map_datum(village, rng):
    from pvplanner.buildings import wgs84_to_gcj02

    houses = _houses(village).to_crs(4326)

    def moved(p):
        return np.column_stack(wgs84_to_gcj02(p[:, 0], p[:, 1]))

    houses.geometry = shapely.transform(houses.geometry.to_numpy(), moved)
    _again(village, houses, "houses.geojson")


@spoil("buildings")
def no_coordinate_system(village, rng):
    houses = _houses(village).rename(columns={"building_id": "bldg_id"})
    path = _again(village, houses, "houses.shp", encoding="UTF-8")
    path.with_suffix(".prj").unlink()


@spoil("buildings")
def division_of_another_province(village, rng):
    code = str(rng.choice(["370212202200", "510104202200", "650102202200"]))
    _again(village, _houses(village).assign(division_code=code))


@spoil("buildings")
def features_without_geometry(village, rng):
    houses = _houses(village)
    extra = houses.iloc[[0, 1]].assign(building_id=["98", "99"])
    extra.geometry = [None, shapely.Polygon()]
    _again(village, pd.concat([houses, extra], ignore_index=True))


@spoil("buildings")
def cut_short(village, rng):
    path = village.renamed("buildings", "houses.geojson")
    outlines().to_file(path)
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * rng.uniform(0.2, 0.9))])


# --- ledger -------------------------------------------------------------------------------------


def _csv(village: Village, table: pd.DataFrame, *, encoding: str = "utf-8", **more) -> None:
    village.path("households").write_bytes(table.to_csv(index=False, **more).encode(encoding))


def _book(village: Village, table: pd.DataFrame) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.append(list(table.columns))
    for row in table.itertuples(index=False):
        book.active.append([None if pd.isna(v) else v for v in row])
    return book


def _save_book(village: Village, book: openpyxl.Workbook) -> None:
    book.save(village.renamed("households", "ledger.xlsx"))


def _figures(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{n: table[n].astype(float) for n in ("年用电量", "年收入")})


@spoil("households")
def totals_at_the_end(village, rng):
    table = ledger()
    word = str(
        rng.choice(
            ["合计", "合 计", "合计（10户）", "总计", "本页小计", "Total", "合计：", "全村合计"]
        )
    )
    sums = _figures(table)[["年用电量", "年收入"]].sum()
    row = dict.fromkeys(table.columns, "") | {"户号": word} | sums.astype(str).to_dict()
    if rng.random() < 0.5:
        row["户号"], row["户主"] = "", word
    _csv(village, pd.concat([table, pd.DataFrame([row])]))


@spoil("households")
def other_encoding(village, rng):
    _csv(village, ledger(), encoding=str(rng.choice(["gb18030", "utf-16", "utf-8-sig"])))


@spoil("households")
def other_separator(village, rng):
    _csv(village, ledger(), sep=str(rng.choice([";", "\t"])))


@spoil("households")
def title_above(village, rng):
    text = ledger().to_csv(index=False)
    village.path("households").write_text("某某村用电台账,,,,\n\n" + text, encoding="utf-8")


@spoil("households")
def unit_in_heading(village, rng):
    table = _figures(ledger())
    unit, factor = [("万度", 1e4), ("MWh", 1e3), ("千瓦时", 1.0)][int(rng.integers(3))]
    table["年用电量"] = table["年用电量"] / factor
    _csv(village, table.rename(columns={"年用电量": f"年用电量（{unit}）", "年收入": "年收入/元"}))


@spoil("households")
def unit_in_cells(village, rng):
    table = ledger()
    told = [
        f"{float(v) / 1e4:g}万度" if n % 2 else f"{v} kWh" for n, v in enumerate(table["年用电量"])
    ]
    _csv(village, table.assign(年用电量=told))


@spoil("households")
def unit_nowhere(village, rng):
    table = _figures(ledger())
    _csv(village, table.assign(年用电量=table["年用电量"] * float(rng.choice([1e-4, 1e3, 1e-3]))))


@spoil("households")
def decimal_commas(village, rng):
    table = ledger()
    told = [v + ",5" for v in table["年用电量"]]
    _csv(village, table.assign(年用电量=told))


@spoil("households")
def thousands(village, rng):
    table = _figures(ledger())
    _csv(village, table.assign(年收入=table["年收入"].map("{:,.0f}".format)))


@spoil("households")
def comma_unquoted(village, rng):
    lines = ledger().to_csv(index=False).splitlines()
    n = int(rng.integers(1, 10))
    head, use, income = lines[n].rsplit(",", 2)
    lines[n] = f"{head},{use[:1]},{use[1:]},{income}"
    village.path("households").write_text("\n".join(lines) + "\n", encoding="utf-8")


@spoil("households")
def numbers_for_ids(village, rng):
    table = ledger()
    table["房屋编号"] = table["房屋编号"].astype(float)
    _save_book(village, _book(village, table))


@spoil("households")
def ids_of_18_digits(village, rng):
    table = ledger()
    table["户号"] = [330_212_202_301_010_000 + n for n in range(len(table))]
    table["户号"] = table["户号"].astype(float)
    _save_book(village, _book(village, table))


@spoil("households")
def formulas_without_values(village, rng):
    book = _book(village, _figures(ledger()))
    for row in range(2, 12):
        book.active.cell(row, 4).value = f"=E{row}/10"
    _save_book(village, book)


@spoil("households")
def stray_cell_far_out(village, rng):
    book = _book(village, _figures(ledger()))
    book.active["XFD1048576"] = " "
    _save_book(village, book)


@spoil("households")
def sheet_behind_another(village, rng):
    book = _book(village, _figures(ledger()))
    note = book.create_sheet("说明", 0)
    note["A1"] = "本表由村委会填写"
    _save_book(village, book)


@spoil("households")
def not_the_kind_it_says(village, rng):
    path = village.renamed("households", "ledger.xlsx")
    body = [
        b"\xd0\xcf\x11\xe0" + bytes(600),
        b"<html><table></table></html>",
        b"PK\x03\x04" + bytes(80),
        ledger().to_csv(index=False).encode(),
    ][int(rng.integers(4))]
    path.write_bytes(body)


@spoil("households")
def full_width_digits(village, rng):
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    _csv(village, ledger().map(lambda v: v.translate(wide)))


@spoil("households")
def ids_spelled_otherwise(village, rng):
    table = ledger()
    how = [lambda v: f"{int(v):04d}", lambda v: f"{v}.0", lambda v: f" {v} ", lambda v: f"{v}号"]
    _csv(village, table.assign(房屋编号=table["房屋编号"].map(how[int(rng.integers(4))])))


@spoil("households")
def heading_unknown(village, rng):
    name = str(rng.choice(["耗电", "用电（去年）", "电量合计", "年度电力"]))
    _csv(village, ledger().rename(columns={"年用电量": name}))


@spoil("households")
def heading_misspelt(village, rng):
    name = str(rng.choice(["年用电數量", "用電量", "年用电度数", "consumtion_kwh"]))
    _csv(village, ledger().rename(columns={"年用电量": name}))


@spoil("households")
def heading_again_on_each_page(village, rng):
    table = ledger()
    head = pd.DataFrame([dict(zip(table.columns, table.columns, strict=True))])
    _csv(village, pd.concat([table.iloc[:5], head, table.iloc[5:]]))


@spoil("households")
def shares_in_percent(village, rng):
    _csv(village, ledger().assign(份额="100"))


@spoil("households")
def control_characters(village, rng):
    sign = str(rng.choice(["\u200b", "\ufeff", "\x0b", "\u202e"]))
    table = ledger()
    _csv(village, table.assign(房屋编号=table["房屋编号"] + sign))


# --- meter --------------------------------------------------------------------------------------


def _meter(village: Village, rows: pd.DataFrame, encoding: str = "utf-8", **more) -> None:
    village.path("meter").write_bytes(rows.to_csv(index=False, **more).encode(encoding))


@spoil("meter")
def finer_than_hours(village, rng):
    _meter(village, meter_rows(int(rng.choice([30, 15, 20, 10]))))


@spoil("meter")
def dial_that_rises(village, rng):
    rows = meter_rows()
    start = {"H1": rng.uniform(0, 9e4), "H2": rng.uniform(0, 9e4)}
    before = rows.groupby("household_id")["kwh"].cumsum() - rows["kwh"]
    dial = before + rows["household_id"].map(start)
    if rng.random() < 0.5:
        dial = dial % 10_000
    _meter(village, rows.assign(kwh=dial.round(3)))


@spoil("meter")
def watt_hours(village, rng):
    _meter(village, meter_rows(scale=float(rng.choice([1000.0, 0.001, 1e-4]))))


@spoil("meter")
def unit_of_meter_in_heading(village, rng):
    unit, factor = [("Wh", 1000.0), ("MWh", 0.001), ("度", 1.0)][int(rng.integers(3))]
    _meter(village, meter_rows(scale=factor).rename(columns={"kwh": f"电量({unit})"}))


@spoil("meter")
def power_not_energy(village, rng):
    step = int(rng.choice([60, 30, 15]))
    rows = meter_rows(step)
    _meter(village, rows.assign(kwh=rows["kwh"] * 60 / step).rename(columns={"kwh": "功率(kW)"}))


@spoil("meter")
def day_rows(village, rng):
    count = int(rng.choice([24, 48, 96]))
    name = [
        lambda n: f"p{n}",
        lambda n: f"p{n:02d}",
        lambda n: f"{n * (1440 // count) // 60:02d}:{n * (1440 // count) % 60:02d}",
    ][int(rng.integers(3))]
    rows = meter_rows(1440 // count)
    kw = (rows["kwh"].to_numpy() * count / 24).reshape(2, 365, count)
    days = HOURS[::24].strftime(str(rng.choice(["%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日"])))
    parts = [
        pd.DataFrame(kw[h], columns=[name(n + 1) for n in range(count)]).assign(
            户号=f"H{h + 1}", 日期=days
        )
        for h in range(2)
    ]
    _meter(village, pd.concat(parts), encoding=str(rng.choice(["gb18030", "utf-8"])))


@spoil("meter")
def days_as_numbers(village, rng):
    rows = meter_rows()
    serial = 44_927 + np.tile(np.arange(8760), 2) / 24
    _meter(village, rows.assign(time=np.round(serial, 8)))


@spoil("meter")
def stamps_at_the_end(village, rng):
    step = int(rng.choice([60, 30, 15]))
    rows = meter_rows(step)
    late = pd.to_datetime(rows["time"]) + pd.Timedelta(minutes=step)
    told = late.dt.strftime("%Y-%m-%d %H:%M")
    if rng.random() < 0.5:
        before = (late - pd.Timedelta(minutes=1)).dt.strftime("%Y-%m-%d")
        told = told.where(late.dt.strftime("%H:%M") != "00:00", before + " 24:00")
    _meter(village, rows.assign(time=told))


@spoil("meter")
def stamps_in_utc(village, rng):
    rows = meter_rows()
    early = pd.to_datetime(rows["time"]) - pd.Timedelta(hours=8)
    _meter(village, rows.assign(time=early.dt.strftime("%Y-%m-%dT%H:%M:00Z")))


@spoil("meter")
def hours_missing(village, rng):
    rows = meter_rows().reset_index(drop=True)
    _meter(
        village, rows.drop(index=rng.choice(len(rows), int(rng.integers(1, 400)), replace=False))
    )


@spoil("meter")
def hours_twice(village, rng):
    rows = meter_rows()
    n = int(rng.integers(0, 8000))
    _meter(village, pd.concat([rows.iloc[: n + 1], rows.iloc[n:]]))


@spoil("meter")
def reading_impossible(village, rng):
    rows = meter_rows().astype({"kwh": object}).reset_index(drop=True)
    rows.loc[int(rng.integers(0, len(rows))), "kwh"] = [-1.0, "#N/A", "", "--"][
        int(rng.integers(4))
    ]
    _meter(village, rows)


@spoil("meter")
def households_of_another(village, rng):
    rows = meter_rows()
    names = {"H1": "H1", "H2": "K2"} if rng.random() < 0.5 else {"H1": "A1", "H2": "A2"}
    _meter(village, rows.assign(household_id=rows["household_id"].map(names)))


# --- weather ------------------------------------------------------------------------------------


def _stamped(rows: pd.DataFrame, minutes: float, form: str = "%Y-%m-%d %H:%M") -> pd.DataFrame:
    return rows.assign(time=(rows["time"] + pd.Timedelta(minutes=minutes)).dt.strftime(form))


@spoil("weather")
def light_stamped_otherwise(village, rng):
    step = int(rng.choice([60, 30, 15, 10]))
    minutes = float(rng.choice([0.0, step / 2, step]))
    rows = _stamped(weather_rows(step), minutes)
    if rng.random() < 0.4:
        rows = rows[["time", "ghi", "temp_air"]]
    save_weather(village.path("weather"), rows)


@spoil("weather")
def offset_in_stamps(village, rng):
    zone = int(rng.choice([8, 0]))
    form = "%Y-%m-%dT%H:%M:%S" + ("+08:00" if zone else "Z")
    rows = _stamped(weather_rows(), -60 * (8 - zone), form)
    save_weather(village.path("weather"), rows)


@spoil("weather")
def hours_in_utc_unsaid(village, rng):
    save_weather(
        village.path("weather"), _stamped(weather_rows(), -60.0 * int(rng.integers(2, 12)))
    )


@spoil("weather")
def component_of_zeros(village, rng):
    rows = weather_rows()
    name = str(rng.choice(["dni", "dhi"]))
    months = rows["time"].dt.month
    hit = months <= int(rng.choice([12, 6, 3]))
    save_weather(village.path("weather"), rows.assign(**{name: rows[name].where(~hit, 0.0)}))


@spoil("weather")
def components_swapped(village, rng):
    rows = weather_rows()
    one, two = [("ghi", "dni"), ("ghi", "dhi"), ("dni", "dhi")][int(rng.integers(3))]
    save_weather(village.path("weather"), rows.rename(columns={one: two, two: one}))


@spoil("weather")
def light_in_other_units(village, rng):
    rows, light = weather_rows(), ["ghi", "dni", "dhi"]
    unit, factor = [("kWh/m2", 1e-3), ("kJ/m2", 3.6), ("MJ/m2", 3.6e-3)][int(rng.integers(3))]
    rows[light] = rows[light] * factor
    if rng.random() < 0.5:
        rows = rows.rename(columns={n: f"{n} ({unit})" for n in light})
    save_weather(village.path("weather"), rows)


@spoil("weather")
def warmth_in_other_units(village, rng):
    rows = weather_rows()
    warm = [rows["temp_air"] + 273.15, rows["temp_air"] * 1.8 + 32][int(rng.integers(2))]
    save_weather(village.path("weather"), rows.assign(temp_air=warm))


@spoil("weather")
def place_of_another(village, rng):
    head = f"# latitude: {LAT + rng.uniform(3, 8)}\n# longitude: {LON - rng.uniform(0, 2)}\n"
    save_weather(village.path("weather"), weather_rows(), head)


@spoil("weather")
def european_spelling(village, rng):
    save_weather(village.path("weather"), weather_rows(), sep=";", decimal=",")


@spoil("weather")
def chinese_headings(village, rng):
    names = {"time": "时间", "ghi": "总辐射", "dni": "法向直射", "dhi": "散射辐射"}
    names |= {"temp_air": "气温", "wind_speed": "风速"}
    table = weather_rows().rename(columns=names).to_csv(index=False)
    text = f"# latitude: {LAT}\n# longitude: {LON}\n{table}"
    village.path("weather").write_bytes(text.encode("gb18030" if rng.random() < 0.5 else "utf-8"))


@spoil("weather")
def hours_lost(village, rng):
    rows = weather_rows()
    first, many = int(rng.integers(0, 8700)), int(rng.choice([1, 2, 3, 30]))
    save_weather(village.path("weather"), rows.drop(index=range(first, first + many)))


# --- surface model ------------------------------------------------------------------------------


def _heights(village: Village) -> np.ndarray:
    with rasterio.open(village.folder / "dsm.tif") as raster:
        return raster.read(1).astype(np.float64)


@spoil("dsm")
def holes_untagged(village, rng):
    heights = _heights(village)
    value = float(rng.choice([-9999.0, -32767.0, 0.0, -3.4028234663852886e38, 65535.0]))
    holes = rng.random(heights.shape) < 0.05
    more = {"nodata": -1.0} if rng.random() < 0.4 else {}
    save_surface(village.folder / "dsm.tif", np.where(holes, value, heights), **more)


@spoil("dsm")
def part_of_the_village(village, rng):
    heights = _heights(village)
    keep = int(heights.shape[1] * rng.uniform(0.3, 0.7))
    save_surface(village.folder / "dsm.tif", heights[:, :keep])


@spoil("dsm")
def file_cut_short(village, rng):
    path = village.folder / "dsm.tif"
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * rng.uniform(0.05, 0.95))])


@spoil("dsm")
def south_up(village, rng):
    heights = _heights(village)[::-1]
    south = NORTH + 60 - heights.shape[0] * CELL
    place = rasterio.Affine(CELL, 0, EAST - 20, 0, CELL, south)
    save_surface(village.folder / "dsm.tif", heights, transform=place)


@spoil("dsm")
def heights_in_other_units(village, rng):
    factor = float(rng.choice([1 / 0.3048, 100.0, 10.0]))
    save_surface(village.folder / "dsm.tif", _heights(village) * factor)


@spoil("dsm")
def degrees_over_metres(village, rng):
    save_surface(village.folder / "dsm.tif", _heights(village), crs="EPSG:4326")


@spoil("dsm")
def zone_of_another(village, rng):
    save_surface(village.folder / "dsm.tif", _heights(village), crs="EPSG:4550")


@spoil("dsm")
def picture_for_heights(village, rng):
    heights = _heights(village)
    bands = np.stack([(heights % 255).astype(np.uint8)] * 3)
    with rasterio.open(
        village.folder / "dsm.tif", "w", driver="GTiff", height=heights.shape[0],
        width=heights.shape[1], count=3, dtype="uint8", crs=CRS, transform=PLACE,
    ) as target:  # fmt: skip
        target.write(bands)


@spoil("dsm")
def terrain_of_another_datum(village, rng):
    village.site += 'dtm = "dtm.tif"\n'
    shift = float(rng.choice([-30.0, -12.0, 12.0, 40.0]))
    save_surface(village.folder / "dtm.tif", np.full(_heights(village).shape, GROUND + shift))


def files_of(key: str) -> tuple[str, ...]:
    """Names by which what is said of a spoilt file may call it."""
    stems = {"buildings": ("houses", "site.buildings", "site.province", "dsm"),
             "households": ("ledger",),
             "meter": ("meter",), "weather": ("weather",), "dsm": ("dsm", "dtm")}  # fmt: skip
    return stems[key]


def dumped(values: dict[str, float]) -> str:
    return json.dumps({k: round(v, 3) for k, v in values.items()})
