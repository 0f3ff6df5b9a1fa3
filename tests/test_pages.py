"""The map and the report in a real browser, with the network unplugged."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.mapping import class_limits, embed_json
from pvplanner.report.tables import by_model_table, household_table
from pvplanner.words import describe, number

EVIL = "<img src=x onerror=alert(1)>"
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def public(liao, tmp_path_factory):
    return pvp.save_map(liao, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A village whose every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    village = hamlet(4)
    village["building_id"] = [EVIL, FORMULA, "</script><script>alert(2)</script>", "a\u2028b`${1}"]
    village["village"] = EVIL
    ledger = (
        "household_id,building_id,household_name\n"
        f'"{EVIL}","{EVIL}","{EVIL}"\n"{FORMULA}","{FORMULA}","{{{{ 7 * 7 }}}}"\n'
    )
    (folder / "ledger.csv").write_text(ledger, encoding="utf-8")
    path = write_village(folder, village, 'households = "ledger.csv"\n')
    scenario = pvp.Scenario.from_toml(path).override({"name": EVIL})
    return pvp.plan_village(scenario)


def open_page(page, path):
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=true]")
    return page


@pytest.mark.browser
def test_report_opens_and_hostile_text_stays_text(page, hostile, tmp_path):
    path = pvp.save_report(hostile, tmp_path / "report.html", internal=True)
    page.goto(path.as_uri())
    body = page.locator("body").inner_text()
    assert EVIL in body
    assert FORMULA in body
    assert "{{ 7 * 7 }}" in body
    assert page.complaints == []
    assert page.requests == [path.as_uri()]


PRIVATE = ("household_name", "income_today", "low_income", "consumption_kwh")


def test_public_report_lacks_what_is_private(liao, tmp_path):
    public = pvp.save_report(liao, tmp_path / "public.html").read_text("utf-8")
    office = pvp.save_report(liao, tmp_path / "office.html", internal=True).read_text("utf-8")
    names = liao.households["household_name"].dropna().unique()
    assert not [name for name in names if name in public]
    # Names stand in the office's edition alone; incomes of today in no page at all.
    head = f'title="{describe("household_name", "zh")}">'
    assert head not in public
    assert names[0] in office
    assert head in office
    for text in (public, office):
        assert f'title="{describe("income_today", "zh")}">' not in text


def table_of(text, name):
    return re.search(rf'<table data-table="{name}">.*?</table>', text, re.S).group()


def test_a_page_has_its_contents_and_ten_columns_of_households(liao, tmp_path):
    text = pvp.save_report(liao, tmp_path / "r.html", internal=True).read_text("utf-8")
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', text)
    heads = dict(re.findall(r'<h2 id="([^"]+)">([^<]+)</h2>', text))
    assert len(links) == len(set(links)) > 15
    for place, name in links:
        assert heads[place].startswith(name)
    assert len(re.findall(r"<th ", table_of(text, "households"))) == 10


@pytest.mark.browser
def test_households_are_found_by_what_is_typed(page, liao, tmp_path):
    path = pvp.save_report(liao, tmp_path / "r.html", internal=True)
    page.goto(path.as_uri())
    rows = '[data-table="households"] tbody tr'
    count = page.locator(rows).count()
    name = liao.households["household_name"].dropna().iloc[4]
    page.fill("#find", name)
    mine = liao.households["household_name"].eq(name).sum()
    assert page.locator(f"{rows}:visible").count() == mine < count
    assert page.locator("#found").inner_text() == f"{mine} / {count}"
    page.fill("#find", "H001 nobody")
    assert page.locator(f"{rows}:visible").count() == 0
    # On paper every household stands.
    page.emulate_media(media="print")
    assert page.locator(f"{rows}:visible").count() == count
    page.emulate_media(media="screen")
    page.fill("#find", "")
    assert page.locator(f"{rows}:visible").count() == count
    assert page.complaints == []


def test_report_adds_up_and_says_where_numbers_are_from(liao, tmp_path):
    text = pvp.save_report(liao, tmp_path / "r.html", language="en").read_text("utf-8")
    table = re.search(r'<table data-table="households">.*?</table>', text, re.S).group()
    heads = re.findall(r"<th [^>]*>(.*?)</th>", table)
    at = heads.index("First-year income (CNY/yr)")
    body, foot = table.split("<tfoot>")
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in body.split("<tr>")[2:]]
    money = [float(row[at].replace(",", "")) for row in rows if row[at] != "not known"]
    total = float(re.findall(r"<td[^>]*>(.*?)</td>", foot)[at].replace(",", ""))
    # What is read in the column is what is read below it; to a yuan a household it is the plan's.
    assert sum(money) == total
    assert total == pytest.approx(liao.summary()["income_first_year"], abs=len(money) / 2)
    assert "MEE and NBS, Notice 2025 No. 47" in text
    assert "2023" in text
    assert "Synthetic example" in text
    for finding in liao.findings:
        assert finding.text("en").split("(")[0][:30].replace("'", "&#39;") in text


def test_embedded_json_can_end_no_script():
    text = embed_json({"a": "</script><!--\u2028&"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--\u2028&"}


@pytest.mark.parametrize("values", [[5.0], [1.0, 1.0], [0.1, 0.2, 0.3], list(range(1000))])
def test_class_limits_are_inside_the_values(values):
    limits = class_limits(np.array(values, dtype=float), 6)
    assert limits == sorted(set(limits))
    assert all(min(values) < v <= max(values) for v in limits)


def test_unknown_kinds_of_page_are_refused(liao, tmp_path):
    with pytest.raises(pvp.ConfigError, match=r"\.odt"):
        pvp.save_report(liao, tmp_path / "report.odt")
    with pytest.raises(pvp.ConfigError, match="'fr'"):
        pvp.save_map(liao, tmp_path / "map.html", "fr")
    assert not list(tmp_path.iterdir())


NUMBERS = {
    "0": {12.4: "12", 12.5: "13", 1234567.0: "1,234,567"},
    "s3": {21523.0: "21,500", 0.12345: "0.123", 0.0: "0.00", 999.6: "1,000"},
    "t100": {1078597.53: "1,078,600", 49.0: "0"},
    "u1": {12.0: "12", 11.5: "11.5", 3.667: "3.7", 12.02: "12"},
    "p0": {0.314: "31%", -0.001: "0%"},
}
"""By hand: how far figures are shown."""


@pytest.mark.parametrize("rule", NUMBERS)
def test_figures_are_shown_as_far_as_they_are_known(rule):
    for value, text in NUMBERS[rule].items():
        assert number(value, rule, "en") == text


def test_the_page_writes_numbers_as_python_does(page, liao, tmp_path):
    page.goto(pvp.save_map(liao, tmp_path / "map.html", "en").as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    for rule, told in NUMBERS.items():
        for value, text in told.items():
            if value:
                assert page.evaluate("([v, r]) => pvplanner.number(v, r)", [value, rule]) == text


def test_parts_of_modules_add_up_and_p90_is_not_added(liao):
    homes = household_table(liao, "en", internal=False)
    told = {c.label: t for c, t in zip(homes["columns"], homes["total"], strict=True)}
    assert told["Modules"] == f"{liao.villages['modules'].sum():,.0f}"
    models = by_model_table(liao, "en", internal=False)
    sums = {c.label: t for c, t in zip(models["columns"], models["total"], strict=True)}
    assert [head for head, text in sums.items() if "P90" in head and text] == []
    assert sum("P90" in head for head in sums) == 2
    assert sum(bool(text) for text in sums.values()) >= 5
