"""The map: size and speed from 1,000 to 300,000 roofs, beside folium's own GeoJson. Prints JSON.

    python tests/benchmarks/map.py

A page is opened in headless Chromium with the network off; "ready" is from the start of navigation
to ``data-ready``, "redraw" and "click" are medians of the page's own clock around a zoom by a
quarter and a choice with its card, the frame after it included.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import pvplanner as pvp
from pvplanner.mapping.layer import packaged
from pvplanner.money import all_models
from pvplanner.plan.saved import plan_of
from pvplanner.schema import CASES, MEASURES, MONTHLY_ENERGY

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
from conftest import CHROMIUM_FLAGS

KWP = 0.58


def village(count: int, months: bool = True) -> pvp.Plan:
    """A made-up plan of so many roofs, in rows of houses that are turned by hamlet."""
    rng = np.random.default_rng(3)
    side = int(np.ceil(np.sqrt(count)))
    n = np.arange(count)
    hamlet = n // 200
    turn = rng.uniform(0, np.pi, hamlet.max() + 1)[hamlet] + rng.normal(0, 0.02, count)
    size = np.column_stack([rng.uniform(8, 16, count), rng.uniform(7, 11, count)])
    place = np.column_stack([n % side * 24.0, n // side * 22.0]) + rng.normal(0, 2, (count, 2))
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size[:, None]
    spin = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], 1).reshape(-1, 2, 2)
    points = place[:, None] + (620_000, 3_280_000) + corner @ spin.transpose(0, 2, 1)
    area = size.prod(axis=1)
    usable = area * rng.uniform(0.3, 0.8, count)
    modules = np.floor(usable / 2.6)
    capacity = modules * KWP
    specific = rng.normal(960, 60, count).round()
    energy = (capacity * specific).round()
    ids = [f"B{k:06d}" for k in n]
    buildings = gpd.GeoDataFrame(
        {
            "building_id": ids, "division_code": "", "village": "V",
            "hamlet": np.char.add("H", hamlet.astype(str)), "status": "ok", "status_reason": "",
            "project_class": "natural_person_household", "roof_type": "gable", "floors": 2.0,
            "height_m": 7.0, "area_m2": area.round(1), "modules": modules,
            "capacity_kwp": capacity.round(2), "energy_kwh": energy,
            "energy_p90_kwh": (energy * rng.normal(0.8, 0.01, count)).round(),
            "specific_yield_kwh_per_kwp": specific, "shading_loss": rng.beta(1, 20, count).round(3),
            "suitability": rng.uniform(0.7, 1, count).round(3),
            "avoided_t": (energy * 0.4974 / 1000).round(3), "capital": capacity * 3000,
            "income_first_year": (energy * 0.99 * 0.374 - capacity * 40).round(2),
            "payback_years": rng.normal(9.5, 1.0, count).round(1),
        },
        geometry=shapely.polygons(points), crs="EPSG:4549",
    )  # fmt: skip
    share = np.array([5, 6, 8, 9, 10, 10, 12, 11, 9, 8, 6, 6]) / 100
    month = (energy[:, None] * share * rng.normal(1, 0.02, (count, 12))).round()
    energies = pd.DataFrame(month, columns=list(MONTHLY_ENERGY)) if months else None
    return _plan(buildings, usable, energies)


def _plan(buildings: gpd.GeoDataFrame, usable: np.ndarray, months) -> pvp.Plan:
    count, ids = len(buildings), buildings["building_id"]
    planes = gpd.GeoDataFrame(
        {"plane_id": ids, "building_id": ids, "roof_type": "gable", "source": "typology",
         "usable_area_m2": usable.round(1), "usable_area_low_m2": np.nan,
         "usable_area_high_m2": np.nan},
        geometry=np.full(count, None), crs=buildings.crs,
    )  # fmt: skip
    arrays = pd.DataFrame({"array_id": ids, "plane_id": ids, "building_id": ids})
    if months is None:
        months = pd.DataFrame(np.full((count, 12), np.nan), columns=list(MONTHLY_ENERGY))
    people = pd.DataFrame(
        {
            "household_id": ids, "household_name": None, "hamlet": None, "village": "V",
            "own_building": True, "low_income": pd.NA, "income_today": np.nan,
            "consumption_kwh": np.nan, "model": "self_invest",
            "project_class": "natural_person_household", "modules": buildings["modules"],
            "capacity_kwp": buildings["capacity_kwp"], "energy_kwh": buildings["energy_kwh"],
            "energy_p90_built_kwh": np.nan, "avoided_t": buildings["avoided_t"],
        }
    )  # fmt: skip
    for name in MEASURES:
        people[name] = np.nan
    measures = pd.DataFrame(
        [(i, m, c) for c in CASES for m in all_models() for i in ids],
        columns=["household_id", "model", "case"],
    ).assign(**dict.fromkeys(MEASURES, np.nan))
    shares = pd.DataFrame({"building_id": ids, "household_id": ids, "share": 1.0})
    small = pvp.plan_village(pvp.Scenario.from_toml(HERE.parents[2] / "data/liao/scenario.toml"))
    demand = pd.DataFrame(dict.fromkeys(small.demand.columns, np.nan), index=range(count))
    demand["household_id"] = ids.to_numpy()
    scenario = pvp.Scenario(name="bench", language="en", site={"province": "Zhejiang"})
    sums = {k: [float(buildings[k].sum())] for k in
            ("modules", "capacity_kwp", "energy_kwh", "income_first_year", "capital", "avoided_t")}  # fmt: skip
    villages = pd.DataFrame({"buildings": [count], **sums})
    energy = months.assign(array_id=ids)
    tables = {"buildings": buildings, "planes": planes, "arrays": arrays, "energy": energy,
              "households": people, "villages": villages, "shares": shares, "demand": demand,
              "measures": measures}  # fmt: skip
    results = {name: small.result(name) for name in ("terms", "place", "assumptions", "year")}
    results["layout"] = small.result("layout").iloc[:0]
    return plan_of(scenario, tables, results)


def folium_page(plan: pvp.Plan, path: Path) -> None:
    """The same roofs by folium's own GeoJson, on canvas, with Leaflet written into the file."""
    import folium

    frame = plan.buildings.to_crs(4326)
    frame = frame.merge(plan.energy.reset_index(), left_on="building_id", right_on="array_id")
    limits = np.quantile(frame["energy_kwh"], [0.2, 0.4, 0.6, 0.8])
    colours = ["#fde725", "#90d743", "#35b779", "#31688e", "#443983"]

    def style(feature):
        k = int(np.searchsorted(limits, feature["properties"]["energy_kwh"]))
        return {"fillColor": colours[k], "color": "#333", "weight": 0.5, "fillOpacity": 0.9}

    middle = frame.total_bounds
    base = folium.Map([(middle[1] + middle[3]) / 2, (middle[0] + middle[2]) / 2], tiles=None,
                      prefer_canvas=True, zoom_start=14, maxZoom=22)  # fmt: skip
    base.default_js, base.default_css = [], []
    layer = folium.GeoJson(frame.to_json(), style_function=style)
    layer.add_to(base)
    base.fit_bounds([[middle[1], middle[0]], [middle[3], middle[2]]])
    page = base.get_root().render()
    leaflet = packaged("vendor/leaflet/leaflet.js").replace(
        "//# sourceMappingURL=leaflet.js.map", ""
    )
    head = (
        f"<style>{packaged('vendor/leaflet/leaflet.css')}</style><script>{leaflet}</script></head>"
    )
    page = page.replace("</head>", head, 1)
    name = base.get_name()
    done = f"requestAnimationFrame(function(){{window.theMap={name};document.documentElement.setAttribute('data-ready','true');}});"
    at = page.rindex("</script>")
    path.write_text(page[:at] + done + page[at:], encoding="utf-8")


READY = """() => { const n = performance.getEntriesByType('navigation')[0]; return performance.now(); }"""
REDRAW = """async () => { const took = [], m = window.theMap || window.pvplanner.map;
  for (let k = 0; k < 7; k++) { const t = performance.now(); m.setZoom(m.getZoom() + (k % 2 ? -0.25 : 0.25), {animate: false});
    await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0))); took.push(performance.now() - t); }
  return took.sort((a, b) => a - b)[3]; }"""
CLICK = """async () => { const took = [], p = window.pvplanner, m = p.map;
  for (let k = 0; k < 7; k++) { const i = Math.floor(p.view.roofs.count * (k + 0.5) / 7), b = p.view.roofs.box;
    const ll = m.unproject(L.point((b[4*i]+b[4*i+2])/2 + p.view.zero[0], (b[4*i+1]+b[4*i+3])/2 + p.view.zero[1]), 0);
    const t = performance.now(); m.fire('click', {latlng: ll});
    await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0))); took.push(performance.now() - t); }
  return took.sort((a, b) => a - b)[3]; }"""


def measure(browser, path: Path, slow: int = 1, click: bool = True) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, offline=True)
    page = context.new_page()
    if slow > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
    page.goto(path.as_uri(), wait_until="commit", timeout=120_000)
    page.wait_for_selector("html[data-ready=true]", state="attached", timeout=180_000)
    out = {"ready_s": page.evaluate(
        "() => new Promise(r => requestAnimationFrame(() => setTimeout(() => r(performance.now()), 0)))"
    ) / 1000}  # fmt: skip
    told = page.evaluate("window.readyAt || null")
    if told:
        out["ready_s"] = told / 1000
    page.wait_for_timeout(300)
    if slow == 1:
        out["redraw_ms"] = page.evaluate(REDRAW)
        if click:
            out["click_ms"] = page.evaluate(CLICK)
    context.close()
    return {k: round(v, 3) for k, v in out.items()}


def best(browser, path: Path, **how) -> dict[str, float]:
    runs = [measure(browser, path, **how) for _ in range(3)]
    return {k: float(np.median([r[k] for r in runs])) for k in runs[0]}


def main() -> None:
    from playwright.sync_api import sync_playwright

    told: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        found = next(
            (shutil.which(n) for n in ("chromium", "chromium-browser") if shutil.which(n)), None
        )
        browser = play.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        rows = {}
        for count in (1_000, 10_000, 20_000, 100_000, 300_000):
            path = pvp.save_map(village(count), Path(folder) / f"{count}.html", "en")
            rows[count] = {"mb": round(path.stat().st_size / 1e6, 2), **best(browser, path)}
        told["ours"] = rows
        told["throttled_4x_100000"] = best(browser, Path(folder) / "100000.html", slow=4)
        bare = pvp.save_map(village(100_000, months=False), Path(folder) / "bare.html", "en")
        told["mb_without_months_100000"] = round(bare.stat().st_size / 1e6, 2)
        theirs = Path(folder) / "folium.html"
        folium_page(village(20_000), theirs)
        told["folium_20000"] = {
            "mb": round(theirs.stat().st_size / 1e6, 2), **best(browser, theirs, click=False)
        }  # fmt: skip
        ours, other = rows[20_000], told["folium_20000"]
        told["times"] = {k: round(other[k] / ours[k], 1) for k in other}
        browser.close()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
