"""A year of measurement narrows the next: coverage over made villages, and what a plan makes."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from calling import run
from made_sheets import month_of
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.metering.learning import changes_of, learn_level

DOUBT = pd.DataFrame({
    "component": ["year_to_year", "irradiation_source", "transposition", "module_rating",
                  "soiling", "snow", "other", "usable_area", "combined"],
    "village": [0.05, 0.069, 0.03, 0.03, 0.02 / 30**0.5, 0.015, 0.05, 0.107, 0.15],
})  # fmt: skip
SHARED = (0.069, 0.03, 0.03, 0.015, 0.05)


def made(rng, homes=30, weather=False):
    """A village's first and next year over its plan, by the doubts that the plan states."""
    sky = rng.normal(0, SHARED[0])
    stays = sum(rng.normal(0, s) for s in SHARED[1:])
    own = rng.normal(0, 0.02, homes)
    power = rng.uniform(3, 30, homes) * 1000
    first, second = rng.normal(0, 0.05, 2)
    seen = rng.normal(0, 0.03) if weather else sky + first
    noise = rng.normal(0, 0.01, homes)
    measured = power * (1 + stays + seen + own + noise)
    later = float((power * (1 + stays + sky + second + own)).sum() / power.sum())
    return pd.Series(measured), pd.Series(power), later


@pytest.mark.parametrize("weather", [False, True])
def test_ranges_after_a_year_hold_four_fifths_of_the_next(weather):
    rng = np.random.default_rng(17)
    held, narrower = 0, []
    for _ in range(400):
        measured, expected, later = made(rng, weather=weather)
        found = learn_level(measured, expected, 12, DOUBT, weather=weather)
        low, high = found.next_range
        held += low <= later <= high
        narrower.append(found.next_sigma / found.before_sigma)
    assert 0.75 <= held / 400 <= 0.85
    assert max(narrower) < 0.95
    assert max(narrower) == pytest.approx(min(narrower))


def test_what_is_learned_lies_between_the_plan_and_what_was_measured():
    power = pd.Series([1000.0, 3000.0])
    for ratio in (0.85, 1.1):
        one = learn_level(power * ratio, power, 12, DOUBT)
        half = learn_level(power * ratio, power, 6, DOUBT)
        assert min(1, ratio) < one.level < max(1, ratio)
        # Less measurement moves less, and leaves more in doubt.
        assert abs(half.level - 1) < abs(one.level - 1)
        assert half.sigma_after > one.sigma_after
        assert one.measured == pytest.approx(ratio)
    assert learn_level(power, power, 12, DOUBT).level == 1


@pytest.mark.parametrize("level", [0.8, 0.97, 1.0, 1.05, 1.3])
def test_a_level_becomes_losses(level):
    found = learn_level(pd.Series([level]), pd.Series([1.0]), 12, DOUBT)
    items = {"availability": 0.03, "mismatch": 0.02, "nameplate": 0.01, "wiring": 0.02,
             "connections": 0.005}  # fmt: skip
    told = changes_of(found, None, items, DOUBT)
    after = {**items, **{k.rsplit(".", 1)[1]: v for k, v in told.items() if "loss_items" in k}}
    kept = [np.prod([1 - v for v in one.values()]) for one in (items, after)]
    assert kept[1] / kept[0] == pytest.approx(min(found.level, 1 / kept[0]), rel=1e-5)
    assert min(after.values()) >= 0
    whole = changes_of(found, 0.14, items, DOUBT)["system.losses"]
    assert 1 - whole == pytest.approx(min(0.86 * found.level, 1), rel=1e-5)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    more = 'province = "Zhejiang"\n[tariff]\nconnection_date = 2026-01-01\n'
    path = write_village(folder, hamlet(6), more)
    made = pvp.plan_village(pvp.Scenario.from_toml(path))
    made.save(folder / "plan")
    plan = pvp.Plan.load(folder / "plan")
    for n in range(1, 8):
        meter, *_ = month_of(plan, f"2026-{n:02d}", folder, factor=0.9)
        pvp.track(folder / "plan", period=f"2026-{n:02d}", meter=meter)
    return plan, folder


def test_a_plan_is_offered_what_was_learned_and_changes_only_when_asked(measured):
    plan, folder = measured
    before = {p.name: p.read_bytes() for p in (folder / "plan").glob("*.parquet")}
    found, changes = pvp.learn(folder / "plan")
    assert (found.months, found.homes) == (7, 6)
    assert found.measured == pytest.approx(0.9, abs=1e-3)
    assert {p.name: p.read_bytes() for p in (folder / "plan").glob("*.parquet")} == before
    again = plan.under(changes)
    sums = [p.energy["energy_kwh"].sum() for p in (plan, again)]
    assert sums[1] / sums[0] == pytest.approx(found.level, abs=0.004)
    doubts = [p.result("doubt").set_index("component")["village"] for p in (plan, again)]
    factor = found.sigma_after / found.sigma_before
    assert doubts[1]["other"] == pytest.approx(doubts[0]["other"] * factor, rel=1e-3)
    assert doubts[1]["year_to_year"] == doubts[0]["year_to_year"]


def test_too_few_months_teach_nothing(measured, tmp_path):
    _, folder = measured
    own = tmp_path / "plan"
    shutil.copytree(folder / "plan", own)
    for n in range(3, 8):
        shutil.rmtree(own / "track" / f"2026-{n:02d}")
    with pytest.raises(pvp.ConfigError, match="2"):
        pvp.learn(own)


def test_the_command_offers_and_writes_only_where_told(measured, tmp_path):
    _, folder = measured
    done = run("learn", str(folder / "plan"), "--language", "en")
    assert done.returncode == 0, done.stderr
    assert "7 months" in done.stdout
    assert "system.loss_items" in done.stdout
    done = run("learn", str(folder / "plan"), "-o", str(tmp_path / "new"), "--language", "en")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "scenario.toml").is_file()
