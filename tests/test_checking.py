"""The dry look before the plan: what is used, what is doubtful, and what it would be otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from spoils import SPOILS, Village, ledger

import pvplanner as pvp
from pvplanner.checking import look_at
from pvplanner.checking.files import kind_of, look_at_file
from pvplanner.checking.said import lines_of, save_check


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return Village.made(tmp_path_factory.mktemp("look") / "v")


def scenario_of(village: Village) -> pvp.Scenario:
    return pvp.Scenario.from_toml(village.save())


def test_a_sound_village_is_plausible_and_doubted_in_nothing(sound):
    look = look_at(scenario_of(sound))
    assert not [f for f in look.findings if f.doubtful]
    assert look.readings == []
    assert {m.verdict for m in look.measures} == {"plausible"}
    by_key = {m.key: m.value for m in look.measures}
    assert by_key["outline_m2"] == pytest.approx(120)
    assert by_key["floors_usual"] == 2
    assert by_key["roof_slope"] == pytest.approx(25, abs=1)
    assert by_key["meter_kwh_day"] == pytest.approx(8 * 0.85, rel=1e-3)
    assert by_key["household_kwh_day"] == pytest.approx((2400 + 120 * 4.5) / 365)
    files = {file.key: file for file in look.files}
    assert set(files) == {"site.buildings", "site.households", "site.weather", "site.dsm",
                          "demand.meter"}  # fmt: skip
    assert ("consumption_kwh", "年用电量") in files["site.households"].taken
    assert "low_income" in files["site.households"].absent
    ledger_join, meter_join = look.joins
    assert (ledger_join.matched, ledger_join.left, ledger_join.right) == (10, [], [])
    assert meter_join.matched == 2
    assert len(meter_join.right) == 8


def test_what_is_doubtful_is_said_and_reckoned_the_other_way(sound, tmp_path):
    twin = sound.copy(tmp_path / "twin")
    SPOILS["zone_beside"][1](twin, np.random.default_rng(1))
    table = ledger()
    table.loc[0, "房屋编号"] = "1O"
    table.assign(备注="x").to_csv(twin.path("households"), index=False)
    twin.site = ""
    look = look_at(scenario_of(twin))
    codes = [f.code for f in look.findings if f.doubtful]
    assert "place_apart" in codes
    assert "ledger_buildings_unmatched" in codes
    assert look.joins[0].left == ["1O"]
    assert look.joins[0].near == [("1O", "1")] or look.joins[0].near == []
    chosen, *others = look.readings
    assert chosen.chosen
    assert {r.key for r in others} == {"site.crs"}
    assert any(r.value == "EPSG:4549" and r.energy_kwh for r in others)
    files = {file.key: file for file in look.files}
    assert files["site.households"].unread == ["备注"]
    for language in ("zh", "en"):
        lines = lines_of(look, language)
        assert lines[0].startswith("! ")
        assert any("EPSG:4549" in line for line in lines)


def test_the_page_in_a_browser(sound, tmp_path, page):
    twin = sound.copy(tmp_path / "twin")
    SPOILS["unit_nowhere"][1](twin, np.random.default_rng(1))
    for village, doubts in ((sound, 0), (twin, 2)):
        file = save_check(look_at(scenario_of(village)), tmp_path / "check.html", "zh")
        page.goto(file.as_uri())
        assert page.locator("#zh .doubts li").count() == doubts
        assert page.locator("#en .doubts li").count() == doubts
        assert page.locator("svg").count() == 2
        assert page.locator("#zh .too_low, #zh .too_high").count() == min(doubts, 1)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
    assert page.complaints == []
    assert [r for r in page.requests if not r.startswith("file:")] == []
    with pytest.raises(pvp.ConfigError, match="can't write a page"):
        save_check(look_at(scenario_of(sound)), tmp_path / "check.pdf", "zh")


def test_the_map_holds_its_doubts(sound, tmp_path, page):
    twin = sound.copy(tmp_path / "twin")
    SPOILS["unit_nowhere"][1](twin, np.random.default_rng(1))
    plan = pvp.plan_village(scenario_of(twin))
    page.goto(pvp.save_map(plan, tmp_path / "m.html", "zh").as_uri())
    page.wait_for_function("window.pvplanner")
    # The unit of the ledger's use, and that the meter contradicts it.
    assert page.locator("#doubts li").count() == 2
    assert "ledger.csv" in page.locator("#doubts li").first.inner_text()
    assert page.complaints == []


def test_files_are_known_by_what_they_hold(sound, tmp_path):
    assert kind_of(sound.path("buildings")) == "buildings"
    assert kind_of(sound.path("households")) == "ledger"
    assert kind_of(sound.path("meter")) == "meter"
    assert kind_of(sound.path("weather")) == "weather"
    lines, found = look_at_file(sound.path("meter"), "en")
    assert any(line == "Consumption: 4,964 kWh" for line in lines)
    assert found
    lines, _ = look_at_file(sound.path("households"), "en")
    assert any("29,400 kWh" in line for line in lines)
    with pytest.raises(pvp.InputError, match="neither outlines nor"):
        look_at_file(sound.folder / "dsm.tif", "en")
