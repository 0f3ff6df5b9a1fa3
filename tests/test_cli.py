"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import pytest
import shapely
from calling import run
from conftest import LIAO
from helps import rarely
from villages import box, frame, hamlet, write_village

from pvplanner.plan.folder import OUTPUTS
from pvplanner.schema import TABLES


def test_plan_map_and_report(tmp_path):
    path = write_village(tmp_path, hamlet())
    done = run("plan", path, "--out", tmp_path / "out", "--set", "finance.capex_per_w=3.2",
               fresh=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert str(tmp_path / "out" / "map.html") in done.stdout
    names = {f.name for f in (tmp_path / "out").iterdir() if f.is_file()}
    assert {"map.html", "report.html", "plan.gpkg", "summary.json", "scenario.toml"} <= names
    assert {f"{table}.parquet" for table in TABLES} <= names
    assert names == set(OUTPUTS)
    assert "capex_per_w = 3.2" in (tmp_path / "out" / "scenario.toml").read_text("utf-8")
    drawn = run(
        "map", tmp_path / "out", "-o", tmp_path / "m.html", "--language", "zh", "--internal"
    )
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "m.html").stat().st_size > 100_000
    told = run("report", tmp_path / "out", "-o", tmp_path / "r.html")
    assert told.returncode == 0, told.stderr
    again = run("plan", tmp_path / "out" / "scenario.toml", "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    one, two = (
        json.loads((tmp_path / d / "summary.json").read_text("utf-8")) for d in ("out", "again")
    )
    assert one == two


def test_init_then_plan_without_reading_code(tmp_path):
    hamlet().to_crs(4326).to_file(tmp_path / "village.geojson", engine="pyogrio")
    made = run("init", tmp_path / "village.geojson")
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "scenario.toml").read_text("utf-8")
    assert 'province = "Zhejiang"' in text
    twice = run("init", tmp_path / "village.geojson")
    assert twice.returncode == 2
    assert "--force" in twice.stderr
    done = run("plan", tmp_path / "scenario.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "maps" / tmp_path.name / "map.html").is_file()


def test_check_says_what_is_in_a_file(tmp_path):
    village = hamlet(3)
    village.loc[3] = village.loc[0]
    village.set_crs(4549).to_file(tmp_path / "v.gpkg", engine="pyogrio")
    done = run("check", tmp_path / "v.gpkg")
    assert done.returncode == 0, done.stderr
    assert "duplicate" in done.stdout
    assert "CGCS2000" in done.stdout
    chinese = run("check", tmp_path / "v.gpkg", "--language", "zh")
    assert "重复" in chinese.stdout
    assert run("check", LIAO).returncode == 0


def spoiled(folder, kind):
    """A scenario with one thing wrong, and a word that the message must say."""
    good = write_village(folder, hamlet())
    text = good.read_text("utf-8")
    if kind == "missing footprints":
        (folder / "footprints.gpkg").unlink()
        return "footprints.gpkg"
    if kind == "truncated":
        body = (folder / "footprints.gpkg").read_bytes()
        (folder / "footprints.gpkg").write_bytes(body[:20000])
        return "footprints.gpkg"
    if kind == "empty layer":
        hamlet().iloc[:0].to_file(folder / "footprints.gpkg", layer="buildings", engine="pyogrio")
        return "no features"
    if kind == "lines":
        lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (9, 9)])], crs=4549)
        (folder / "footprints.gpkg").unlink()
        lines.to_file(folder / "footprints.gpkg", engine="pyogrio")
        return "areas"
    if kind == "swapped axes":
        (folder / "footprints.gpkg").unlink()
        swapped = frame([shapely.box(29.72, 121.28, 29.721, 121.281)], "EPSG:4326")
        swapped.to_file(folder / "footprints.gpkg", engine="pyogrio")
        return "swapped"
    if kind == "no crs":
        (folder / "footprints.gpkg").unlink()
        frame([box(0, 0, 9, 9)]).rename(columns={"building_id": "id"}).to_file(folder / "f.shp")
        (folder / "f.prj").unlink()
        good.write_text(text.replace("footprints.gpkg", "f.shp"), encoding="utf-8")
        return "site.crs"
    changes = {
        "typo": ("[finance]\ncapex_per_wat = 3\n", "capex_per_w"),
        "out of range": ("[finance]\ndiscount_rate = 5\n", "finance.discount_rate"),
        "text for weather": ('weather = "scenario.toml"\n', "weather"),
        "missing weather": ('weather = "nowhere.epw"\n', "nowhere.epw"),
        "missing ledger": ('households = "nowhere.csv"\n', "nowhere.csv"),
        "unlawful": ('[tariff]\nproject_class = "general_commercial"\n', "2025 No. 7"),
    }
    extra, word = changes[kind]
    good.write_text(text + extra, encoding="utf-8")
    return word


@pytest.mark.parametrize(
    "kind",
    ["missing footprints", "truncated", "empty layer", "lines", "swapped axes", "no crs", "typo",
     "out of range", "text for weather", "missing weather", "missing ledger", "unlawful"],
)  # fmt: skip
def test_bad_input_is_one_clear_line_and_exit_code_2(tmp_path, kind):
    word = spoiled(tmp_path, kind)
    done = run("plan", tmp_path / "scenario.toml", "--out", tmp_path / "out")
    assert done.returncode == 2, done.stdout + done.stderr
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "nowhere.toml"], "nowhere.toml"),
        (["map", "."], "no plan"),
        (["check", "nowhere.gpkg"], "nowhere.gpkg"),
        (["plan", LIAO, "--set", "nonsense"], "nonsense"),
        (["plan", LIAO, "--language", "fr"], "fr"),
        (["plan", LIAO, "--set", "weather.seed=-1"], "weather.seed"),
        (["plan", LIAO, "--set", "finance.capex_per_w=1e308"], "capex_per_w"),
        (["plan", LIAO, "--set", "roof.tilt.pagoda=30"], "pagoda"),
        (["plan", LIAO, "--out", LIAO.parent], "scenario.toml"),
        (["init", LIAO.with_name("footprints.geojson"), "-o", "s.toml", "--weather", LIAO], "liao"),
        (["plan"], "scenario"),
    ],
)
def test_wrong_words_are_exit_code_2(tmp_path, words, said):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_messages_follow_the_language_and_debug_shows_the_traceback(tmp_path):
    path = write_village(tmp_path, hamlet(), "[finance]\ncapex_per_wat = 3\n")
    chinese = run("plan", path, "--language", "zh")
    assert "是否想写" in chinese.stderr
    traced = run("--debug", "plan", path)
    assert "Traceback" in traced.stderr
    assert traced.returncode == 2


def test_a_failed_plan_leaves_the_old_one(tmp_path):
    path = write_village(tmp_path, hamlet())
    assert run("plan", path, "--out", tmp_path / "out").returncode == 0
    before = {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir() if f.is_file()}
    (tmp_path / "footprints.gpkg").unlink()
    assert run("plan", path, "--out", tmp_path / "out").returncode == 2
    assert {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir() if f.is_file()} == before


def test_a_doubt_that_comes_alone_is_said_in_every_page(tmp_path):
    """The ledger's result stays as it was; what is doubtful about the file does not."""
    path = write_village(tmp_path, hamlet(), 'households = "ledger.csv"\n')

    def planned(head, more):
        rows = [head, *(f"H{n},B{n}{more}" for n in range(1, 7))]
        (tmp_path / "ledger.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        done = run("plan", path, "--out", tmp_path / "out", "--only", "tables,map,report")
        assert done.returncode == 0, done.stderr
        pages = [tmp_path / "out" / name for name in ("map.html", "report.html", "summary.json")]
        return [done.stdout, *(page.read_text("utf-8") for page in pages)]

    assert not any("consumtion" in text for text in planned("household_id,building_id", ""))
    told = planned("household_id,building_id,consumtion_kwh", ",2400")
    assert all("consumtion" in text for text in told)


# --- real footprints ----------------------------------------------------------------------------

REAL = {
    "mamre": (2344, "footprints.geojson", "phoenix_tmy2.csv"),
    "suzhou": (3076, "footprints.geojson", "shanghai_tmyx.epw"),
    "selfkant": (83, "footprints.geojson", "bad_mannheim_not_utf8.epw"),
    "delft": (160, "footprints.gpkg", "bad_los_angeles_leap_year.epw"),
}


SOME_REAL = rarely(REAL)
"""One of them every day."""


@pytest.mark.parametrize("place", SOME_REAL)
def test_real_footprints_from_init_to_map(shared, tmp_path, place):
    count, file, weather = REAL[place]
    shutil.copy(shared / "data" / place / file, tmp_path / file)
    sky = shared / "data" / "weather" / weather
    assert run("init", tmp_path / file, "--weather", sky).returncode == 0
    done = run("plan", tmp_path / "scenario.toml", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["buildings"] == count
    assert summary["energy_kwh"] > 0
    kept = gpd.read_parquet(tmp_path / "out" / "buildings.parquet")
    assert kept["building_id"].is_unique
    assert kept["status"].isin(["ok", "repaired", "set_aside"]).all()
    assert (kept.loc[kept["status"] != "ok", "status_reason"] != "").all()


@pytest.mark.browser
@pytest.mark.parametrize("place", rarely(("mamre", "selfkant")))
def test_real_maps_open(shared, tmp_path, page, place):
    count, file, weather = REAL[place]
    shutil.copy(shared / "data" / place / file, tmp_path / file)
    run("init", tmp_path / file, "--weather", shared / "data" / "weather" / weather)
    assert run("plan", tmp_path / "scenario.toml", "--out", tmp_path / "out").returncode == 0
    page.goto((tmp_path / "out" / "map.html").as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.evaluate("pvplanner.view.roofs.count") == count
    assert page.complaints == []
    assert len([url for url in page.requests if not url.startswith("data:")]) == 1
    # Money is unknown here, so its measures are not offered.
    offered = page.locator("#measure option").evaluate_all("o => o.map(x => x.value)")
    assert "income_first_year" not in offered
    assert "energy_kwh" in offered
