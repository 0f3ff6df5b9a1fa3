"""The house grows by data: a model, a language, a stage are added in a copy of the package.

Nothing but the files that each names is touched.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pandas as pd
import pytest
from villages import box, frame, write_village

import pvplanner

PACKAGE = Path(pvplanner.__file__).parent


class Copy:
    """A copy of the package, with what numba compiled, and a village that is planned by it."""

    def __init__(self, place: Path, households: int = 4) -> None:
        self.place, self.package = place, place / "pvplanner"
        shutil.copytree(PACKAGE, self.package)
        village = frame([box(30 * n, 0, 12, 9) for n in range(households)])
        extra = 'province = "Zhejiang"\nhouseholds = "ledger.csv"\n'
        rows = [f"H{n},B{n},{800 * n},yes" for n in range(1, households + 1)]
        head = "household_id,building_id,consumption_kwh,low_income\n"
        (place / "ledger.csv").write_text(head + "\n".join(rows))
        self.scenario = write_village(place, village, extra)

    def add(self, file: str, *lines: str) -> None:
        with (self.package / file).open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in lines))

    def run(self, *words: object) -> str:
        environment = os.environ | {"PYTHONPATH": str(self.place)}
        done = subprocess.run(
            [sys.executable, "-c", "from pvplanner.cli import main; main()", *map(str, words)],
            env=environment, cwd=self.place, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def plan(self, name: str, **settings: object) -> Path:
        told = [word for key, value in settings.items()
                for word in ("--set", f"{key.replace('__', '.')}={value}")]  # fmt: skip
        self.run("plan", self.scenario, "--out", self.place / name, "--internal", *told)
        return self.place / name


def touched(copy: Copy) -> set[str]:
    """Files of the copy that are not the package's."""
    return {
        str(path.relative_to(copy.package)) for path in copy.package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        and (not (PACKAGE / path.relative_to(copy.package)).is_file()
             or path.read_bytes() != (PACKAGE / path.relative_to(copy.package)).read_bytes())
    }  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


# --- a sixth business model ---------------------------------------------------------------------

SIXTH = (
    "commons,capital,household,supplier,watts,capex_per_w,start,,,test,2026,given",
    "commons,feed_in,grid_company,household,made,sale_price,yearly,,,test,2026,given",
    "commons,toll,household,commons_fund,made,0.05,yearly,,,test,2026,given",
)


@pytest.mark.long
def test_a_sixth_model_is_rows_and_words(copy, page):
    copy.add("reference/models.csv", *SIXTH)
    for language, words in (("en", ("Village commons", "Toll", "Commons fund")),
                            ("zh", ("村共有", "过路费", "共有基金"))):  # fmt: skip
        keys = ("commons", "toll", "commons_fund")
        rows = (f"{key},{word}," for key, word in zip(keys, words, strict=True))
        copy.add(f"words/{language}/labels.csv", *rows)
    out = copy.plan("sixth", finance__model="commons", finance__capex_per_w=2.0)
    assert touched(copy) == {
        "reference/models.csv", "words/en/labels.csv", "words/zh/labels.csv"
    }  # fmt: skip

    ledger = pd.read_parquet(out / "ledger.parquet")
    toll = ledger[ledger["item"] == "toll"]
    assert set(toll["model"]) == {"commons"}
    assert set(toll["payee"]) == {"commons_fund"}
    homes = pd.read_parquet(out / "households.parquet")
    made = homes["energy_kwh"].sum() * 0.99
    assert toll.loc[toll["year"] == 1, "yuan"].sum() == pytest.approx(0.05 * made, rel=1e-4)
    measures = pd.read_parquet(out / "measures.parquet")
    planned = measures[measures["case"] == "planned"].set_index(["model", "household_id"])
    less = planned.loc["self_invest", "income_first_year"] - toll_of(planned)
    assert (less > 0).all()

    report = (out / "report.html").read_text(encoding="utf-8")
    for word in ("Village commons", "Toll", "Commons fund"):
        assert word in report, word

    page.goto((out / "map.html").as_uri())
    page.wait_for_function("window.pvplanner && pvplanner.state.language === 'en'")
    assert "Village commons" in page.locator("#model").inner_text()
    told = page.evaluate(RECKON, ["commons", {}])
    assert told["first"] == pytest.approx(list(toll_of(planned)), abs=0.011)
    # The slider of the building cost moves the new model as Python does.
    dear = copy.plan("dear", finance__model="commons", finance__capex_per_w=2.4)
    other = pd.read_parquet(dear / "measures.parquet")
    other = other[other["case"] == "planned"].set_index(["model", "household_id"]).loc["commons"]
    moved = page.evaluate(RECKON, ["commons", {"capex_per_w": 2.4}])
    assert moved["payback"] == pytest.approx(list(other["payback_years"]), abs=1e-3)
    assert moved["payback"] != pytest.approx(told["payback"], abs=0.1)
    assert page.complaints == []


def toll_of(planned):
    return planned.loc["commons", "income_first_year"]


RECKON = """([model, settings]) => {
  pvplanner.state.settings = settings; pvplanner.update();
  const found = pvplanner.reckon(model, settings), out = {};
  for (const key in found) { out[key] = Array.from(found[key], v => v === v ? v : null); }
  pvplanner.state.settings = {};
  return out;
}"""


# --- a third language ---------------------------------------------------------------------------


def pseudo(text: str) -> str:
    """Words of no language: every letter another script's, names in braces as they were."""
    letters = r"\{[^}]*\}|[A-Za-z\u3000-\u9fff\uff00-\uffef]"
    return re.sub(letters, lambda m: m[0] if m[0][0] == "{" else other_letter(m[0]), text)


def other_letter(letter: str) -> str:
    return chr(0x10D0 + zlib.crc32(letter.encode()) % 33)


def pseudo_toml(text: str) -> str:
    """Values of a catalogue in pseudo-words; what a language writes numbers by stays."""

    def line(told: str) -> str:
        found = re.match(r'((?:"[^"]*"|[\w.]+) = )(".*"|\[.*\])$', told)
        if not found or found[1].startswith(("html", "thousands", "decimal")):
            return told
        return found[1] + re.sub(r'"((?:[^"\\]|\\.)*)"', lambda m: f'"{pseudo(m[1])}"', found[2])

    return "\n".join(line(told) for told in text.splitlines())


def write_language(copy: Copy) -> None:
    source, target = copy.package / "words" / "zh", copy.package / "words" / "xx"
    target.mkdir()
    for path in source.iterdir():
        if path.suffix == ".toml":
            told = pseudo_toml(path.read_text(encoding="utf-8"))
            (target / path.name).write_text(told, encoding="utf-8")
            continue
        with path.open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        rows = [[row[0], *(pseudo(cell) for cell in row[1:])] for row in rows]
        with (target / path.name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([head, *rows])


VISIBLE = """() => {
  const out = new Set(), walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, parent = node.parentElement;
    if (!["SCRIPT", "STYLE", "NOSCRIPT"].includes(parent.tagName) && node.textContent.trim()) { out.add(node.textContent.trim()); }
  }
  for (const key of ["title", "aria-label", "placeholder", "alt"]) {
    document.querySelectorAll("[" + key + "]").forEach(e => out.add(e.getAttribute(key)));
  }
  return [...out];
}"""  # noqa: E501

NAMES = (
    r"[BHP]\d+(?:[-.;, ]+[BHP]?\d+)*", r"test", "pvplanner", r"[\w-]+\.(?:csv|gpkg|geojson|tif)",
    "Reference 182 mm 72-cell 580 W", "pvlib",
    "Dinghai|Hangzhou|Hongjia|Quxian|Shanghai|Wenzhou|Tunxi|Yushan",
    "CSV", "English", "“[^”]*”", "中文", "Zhejiang",
    r"(?:site|finance|loan|tariff)\.\w+|weather|^tariff",
)  # fmt: skip
"""What is a name, and the same in every language."""


def foreign(told: list[str]) -> list[str]:
    """Texts in which letters of another language stand, names taken out."""
    out = []
    for text in told:
        rest = text
        for name in NAMES:
            rest = re.sub(name, "", rest)
        if re.search(r"[A-Za-z]{2,}|[\u4e00-\u9fff]", rest):
            out.append(text)
    return out


def test_a_third_language_is_a_folder(copy, page):
    write_language(copy)
    out = copy.plan("third", language="xx", loan__share=0.5, finance__model="self_use",
                    carbon__claim="ccer")  # fmt: skip
    assert {Path(name).parts[:2] for name in touched(copy)} == {("words", "xx")}
    for name in ("report.html", "map.html"):
        page.goto((out / name).as_uri())
        page.wait_for_timeout(300)
        if name == "map.html":
            page.wait_for_function("window.pvplanner && pvplanner.state.language === 'xx'")
            page.evaluate("pvplanner.choose('B1')")
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        told = page.evaluate(VISIBLE)
        assert len(told) > 80
        assert "\n".join(foreign(told)) == "", name
    assert page.complaints == []
    said = copy.run("stages")
    assert "energy" in said
    dictionary = (out / "dictionary.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "label_xx" in dictionary[0]


def test_every_source_that_the_tables_name_has_a_chinese_title():
    from pvplanner import reference
    from pvplanner.words import source

    for table in reference.tables():
        for row in reference.rows(table):
            for key, title in row.items():
                if key and "source" in key and title:
                    told = source(title, "zh")
                    same = {"pvcompare", "pvlib.iam.marion_diffuse(physical)"}
                    assert told != title or title in same, title


# --- another stage ------------------------------------------------------------------------------

STAGE = '''

@stage("wind_load", keys=("module.product",), joins="buildings", kept="wind_load.parquet")
def wind_load(buildings: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """How the wind lifts each roof."""
    import pandas as pd

    lift = 7.25 * buildings.geometry.area.to_numpy()
    assert scenario.module.product
    return pd.DataFrame({"building_id": buildings["building_id"], "uplift_kn": lift})
'''


@pytest.mark.long
def test_a_stage_with_a_table_and_a_column(copy, page):
    path = copy.package / "plan" / "stages.py"
    stages = path.read_text(encoding="utf-8")
    path.write_text(stages + STAGE, encoding="utf-8")
    copy.add("schema/columns.csv", "uplift_kn,number,kN,,,,card:99")
    for language, word in (("en", "Uplift by wind"), ("zh", "风吸力")):
        copy.add(f"words/{language}/labels.csv", f"uplift_kn,{word},")
    out = copy.plan("wind")
    assert touched(copy) == {
        "plan/stages.py", "schema/columns.csv", "words/en/labels.csv", "words/zh/labels.csv"
    }  # fmt: skip
    lift = pd.read_parquet(out / "wind_load.parquet")
    assert lift["uplift_kn"].to_numpy() == pytest.approx(7.25 * 108, rel=1e-6)
    assert "uplift_kn" in pd.read_parquet(out / "buildings.parquet")
    traces = [json.loads(p.read_text()) for p in (out / ".pvplanner" / "traces").glob("*.json")]
    lists = "".join(
        path.with_name(f"{name}.py").read_text() for name in ("stages", "feeders", "worth")
    )
    # What villages of a region share is asked for by a region alone.
    stages = set(re.findall(r"^@stage\(.*?^def (\w+)", lists, re.MULTILINE | re.DOTALL))
    assert len(traces) == len(stages - {"common"})
    rows = pd.read_csv(out / "dictionary.csv", encoding="utf-8-sig").set_index(["table", "column"])
    assert rows.loc[("wind_load", "uplift_kn"), "label_en"] == "Uplift by wind"
    assert rows.loc[("buildings", "uplift_kn"), "unit_en"] == "kN"
    assert "wind_load: How the wind lifts each roof." in copy.run("stages").replace(
        " -> buildings", ""
    )
    page.goto((out / "map.html").as_uri())
    page.wait_for_function("window.pvplanner && pvplanner.state.language === 'en'")
    page.evaluate("pvplanner.choose('B2')")
    assert "Uplift by wind" in page.locator("#card").inner_text()
    assert "783" in page.locator("#card").inner_text()
    # Nothing else was done again for it, and a second run finds it in the store.
    assert "uplift" not in copy.run("plan", copy.scenario, "--out", out, "--internal")
    assert page.complaints == []
