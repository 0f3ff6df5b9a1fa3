"""The map of real plans at 1,000, 10,000 and 100,000 roofs, beside folium's own GeoJson. Prints JSON.

    python tests/benchmarks/map.py [1000 10000 ...]

Villages are rows of houses turned by hamlet; they are planned whole (modules, months, ledger, all
models and cases), drawn, and opened in headless Chromium with the network off. "ready" is from the
start of navigation to ``data-ready``, medians of five; "pan" the page's own clock from a move by
60 px to the frame after it, once all has settled, of both kinds of page in one run; ``columns`` says
what a roof takes, column by column. 100,000 roofs take some five minutes and 3 GB to plan.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import tempfile
import time
import zlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import pvplanner as pvp
from pvplanner.mapping.layer import packaged

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
from conftest import CHROMIUM_FLAGS


def footprints(count: int) -> gpd.GeoDataFrame:
    """So many houses in rows that are turned by hamlet."""
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
    return gpd.GeoDataFrame(
        {"building_id": [f"B{k:06d}" for k in n], "village": "V", "height_m": 7.0, "floors": 2.0,
         "hamlet": np.char.add("H", hamlet.astype(str)),
         "project_class": "natural_person_household"},
        geometry=shapely.polygons(points), crs="EPSG:4549",
    )  # fmt: skip


def planned(count: int, folder: Path) -> pvp.Plan:
    folder.mkdir()
    footprints(count).to_file(folder / "b.gpkg")
    (folder / "s.toml").write_text(
        'name = "bench"\nlanguage = "en"\n[site]\nbuildings = "b.gpkg"\nprovince = "Zhejiang"\n'
    )
    return pvp.plan_village(pvp.Scenario.from_toml(folder / "s.toml"))


def folium_page(plan: pvp.Plan, path: Path) -> None:
    """The same roofs by folium's own GeoJson, on canvas, with Leaflet written into the file."""
    import folium

    frame = plan.buildings[["building_id", "energy_kwh", "geometry"]].to_crs(4326)
    limits = np.quantile(frame["energy_kwh"].dropna(), [0.2, 0.4, 0.6, 0.8])
    colours = ["#fde725", "#90d743", "#35b779", "#31688e", "#443983"]

    def style(feature):
        k = int(np.searchsorted(limits, feature["properties"]["energy_kwh"]))
        return {"fillColor": colours[k], "color": "#333", "weight": 0.5, "fillOpacity": 0.9}

    middle = frame.total_bounds
    base = folium.Map([(middle[1] + middle[3]) / 2, (middle[0] + middle[2]) / 2], tiles=None,
                      prefer_canvas=True, zoom_start=14, maxZoom=22)  # fmt: skip
    base.default_js, base.default_css = [], []
    folium.GeoJson(frame.to_json(), style_function=style).add_to(base)
    base.fit_bounds([[middle[1], middle[0]], [middle[3], middle[2]]])
    page = base.get_root().render()
    leaflet = packaged("vendor/leaflet/leaflet.js").replace(
        "//# sourceMappingURL=leaflet.js.map", ""
    )
    head = (
        f"<style>{packaged('vendor/leaflet/leaflet.css')}</style><script>{leaflet}</script></head>"
    )
    page = page.replace("</head>", head, 1)
    done = (
        f"requestAnimationFrame(function(){{window.theMap={base.get_name()};"
        "document.documentElement.setAttribute('data-ready','true');});"
    )
    at = page.rindex("</script>")
    path.write_text(page[:at] + done + page[at:], encoding="utf-8")


PAN = """async () => { const took = [], m = window.theMap || window.pvplanner.map;
  for (let k = 0; k < 9; k++) { const t = performance.now(); m.panBy([k % 2 ? -60 : 60, 0], {animate: false});
    await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0))); took.push(performance.now() - t);
    await new Promise(r => setTimeout(r, 400)); }
  return took.sort((a, b) => a - b)[4]; }"""
CLICK = """async () => { const took = [], p = window.pvplanner, m = p.map;
  for (let k = 0; k < 7; k++) { const i = Math.floor(p.view.roofs.count * (k + 0.5) / 7), b = p.view.roofs.box;
    const ll = m.unproject(L.point((b[4*i]+b[4*i+2])/2 + p.view.zero[0], (b[4*i+1]+b[4*i+3])/2 + p.view.zero[1]), 0);
    const t = performance.now(); m.fire('click', {latlng: ll});
    await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0))); took.push(performance.now() - t); }
  return took.sort((a, b) => a - b)[3]; }"""


def opened(browser, path: Path) -> dict[str, float]:
    """How long until it is ready, how long a pan and a click take."""
    ready = []
    for run in range(5):
        context = browser.new_context(viewport={"width": 1280, "height": 860}, offline=True)
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="commit", timeout=240_000)
        page.wait_for_selector("html[data-ready=true]", state="attached", timeout=240_000)
        ready.append(page.evaluate("performance.now()") / 1000)
        if run < 4:
            context.close()
    page.wait_for_timeout(500)
    out = {"ready_s": round(float(np.median(ready)), 3), "pan_ms": round(page.evaluate(PAN), 1)}
    if page.evaluate("Boolean(window.pvplanner)"):
        out["click_ms"] = round(page.evaluate(CLICK), 1)
    context.close()
    return out


def columns(path: Path) -> tuple[dict[str, float], float]:
    """Bytes a roof that each column takes, the largest first, and the fixed part in kB."""
    written = path.read_text("utf-8")
    body = re.search(r'id="pvplanner-body">([^<]*)', written).group(1).strip()
    at, size = json.loads(re.search(r'id="pvplanner-data">([^<]*)', written).group(1))["rest"]
    raw = zlib.decompress(base64.b64decode(body))
    tables = json.loads(raw[at : at + size])["tables"]
    roofs = next(told["rows"] for told in tables["roofs"] if told.get("rows"))
    taken = {
        f"{name}.{told['key']}": len(zlib.compress(raw[told["at"] : told["at"] + told["length"]], 7)) * 4 / 3
        for name, held in tables.items() for told in held
    }  # fmt: skip
    fixed = len(written.encode()) - sum(taken.values())
    ordered = sorted(taken.items(), key=lambda pair: -pair[1])
    return {key: round(value / roofs, 2) for key, value in ordered[:25]}, round(fixed / 1000, 1)


def main() -> None:
    from playwright.sync_api import sync_playwright

    counts = [int(a) for a in sys.argv[1:] if a.isdigit()] or [1_000, 10_000, 100_000]
    told: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        found = next(
            (shutil.which(n) for n in ("chromium", "chromium-browser") if shutil.which(n)), None
        )
        browser = play.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        for count in counts:
            plan = planned(count, Path(folder) / f"v{count}")
            begun = time.perf_counter()
            path = pvp.save_map(plan, Path(folder) / f"{count}.html", "en")
            drawn = time.perf_counter() - begun
            theirs = Path(folder) / f"folium{count}.html"
            folium_page(plan, theirs)
            ours, other = opened(browser, path), opened(browser, theirs)
            by, fixed = columns(path)
            told[str(count)] = {
                "mb": round(path.stat().st_size / 1e6, 3), "written_s": round(drawn, 1), **ours,
                "folium": {"mb": round(theirs.stat().st_size / 1e6, 2), **other},
                "pan_part_of_foliums": round(ours["pan_ms"] / other["pan_ms"], 3),
                "fixed_kb": fixed, "bytes_a_roof": by,
            }  # fmt: skip
        browser.close()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
