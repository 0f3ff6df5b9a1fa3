"""What a kilowatt-hour is worth in every province: by date, class and area, as far as was found."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest
from helps import rows_of

import pvplanner as pvp
from pvplanner.money import find_bills, resolve_terms
from pvplanner.pricing import find_province, price_lines
from pvplanner.reference import provinces
from pvplanner.reference.provincial import (
    HOUSEHOLDS,
    area_of,
    areas_of,
    cap_of,
    household_tiers,
    market_of,
    mechanism_of,
    self_use_least,
)

HOUSE, HALL = HOUSEHOLDS[0], "general_commercial"
OLD, NEW = dt.date(2024, 5, 1), dt.date(2026, 6, 1)


def export(province, on=NEW, area=None, **tariff):
    scenario = pvp.Scenario(tariff={"connection_date": on, **tariff})
    return pvp.resolve_prices(scenario, province, area)


def test_how_many_provinces_are_priced():
    old = [p for p in provinces() if mechanism_of(p, OLD, HOUSE).known]
    new = [p for p in provinces() if np.isfinite(export(p).export[0])]
    assert len(old) == 30
    assert set(provinces()) - set(old) == {"Xizang"}
    assert len(new) == 25
    assert set(provinces()) - set(new) == {
        "Heilongjiang",
        "Xizang",
        "Qinghai",
        "Ningxia",
        "Inner Mongolia",
        "Xinjiang",
    }


# Existing price, share; auction, share, term; market: read off the tables by hand.
GOLDEN = [
    ("Zhejiang", 0.4153, 1.0, 0.3816, 0.90, 8, 0.28666),
    ("Hunan", 0.4500, 0.8, 0.375, 0.80, 10, None),
    ("Liaoning", 0.3749, 1.0, 0.30, 0.80, 12, None),
    ("Gansu", 0.3078, 1.0, 0.1954, 0.24, 12, None),
    ("Shandong", 0.3949, 0.8, 0.225, 0.80, None, None),
]


@pytest.mark.parametrize(("province", "kept", "part", "bid", "share", "term", "market"), GOLDEN)
def test_a_household_before_and_after_june_2025(province, kept, part, bid, share, term, market):
    alone = market_of(province).middle.value
    if market is not None:
        assert alone == pytest.approx(market)
    old = export(province, OLD)
    assert old.export[0] == pytest.approx(part * kept + (1 - part) * alone)
    assert old.export[19] == pytest.approx(old.export[0])
    assert old.export[20] == pytest.approx(alone)
    new = export(province)
    if term is None:
        # The term was not found: the market alone, and it is said.
        assert new.unknown == ("term",)
        assert new.export == pytest.approx([alone] * 25)
        found = resolve_terms(pvp.Scenario(), province).findings(province)
        assert "mechanism_unknown" in [f.code for f in found if f.doubtful]
        assert province in found[0].text("en")
        return
    won = resolve_terms(pvp.Scenario(), province).findings(province)
    assert [f.code for f in won] == ["mechanism_won"]
    assert f"{bid:g}" in won[0].text("en")
    assert new.unknown == ()
    assert new.mechanism_years == term
    assert new.export[:term] == pytest.approx([share * bid + (1 - share) * alone] * term)
    assert new.export[term] == pytest.approx(alone)


def test_winning_losing_cap_and_own_terms():
    lost = export("Zhejiang", mechanism_share=0.0)
    assert lost.export == pytest.approx([0.28666] * 25)
    assert lost.unknown == ()
    capped = export("Liaoning", mechanism_bid=0.50)
    assert capped.plain_bid == cap_of("Liaoning").value == 0.33
    low = export("Liaoning", mechanism_bid=0.25)
    assert low.plain_bid == 0.25
    stated = export("Shandong", mechanism_years=10)
    assert stated.export[9] == pytest.approx(0.8 * 0.225 + 0.2 * market_of("Shandong").middle.value)
    assert stated.export[10] == pytest.approx(market_of("Shandong").middle.value)
    assert export("Tianjin", mechanism_years=5, market_price=0.2).export[5] == 0.2


def test_without_a_mechanism_there_is_none():
    """Inner Mongolia lets no new energy in, Guangxi no halls: the market pays, and is known."""
    prices = export("Inner Mongolia", area="east grid")
    assert prices.unknown == ()
    assert prices.export[0] == pytest.approx(market_of("Inner Mongolia", "east grid").middle.value)
    assert np.isnan(export("Inner Mongolia", area="west grid").export[0])
    hall = export("Guangxi", project_class=HALL)
    assert hall.unknown == ()
    assert hall.export == pytest.approx([market_of("Guangxi").middle.value] * 25)
    assert export("Guangxi").unknown == ("share", "term")
    said = price_lines("Guangxi", NEW, HALL, "en")
    assert any("No mechanism" in line for line in said)
    assert not any("not all known" in line for line in said)


def test_what_is_kept_in_full_needs_no_market_until_it_ends():
    prices = export("Qinghai", OLD)
    assert prices.export[:20] == pytest.approx([0.2277] * 20)
    assert np.isnan(prices.export[20:]).all()
    assert np.isnan(export("Xinjiang", OLD).export[0])


def test_grids_of_one_province():
    assert areas_of("Hebei") == ("south grid", "north grid")
    assert areas_of("Zhejiang") == ()
    assert area_of("130102001001") == "south grid"
    assert area_of("130203") == "north grid"
    assert area_of("330203") is None
    north, south = (mechanism_of("Hebei", OLD, HOUSE, area).price.value
                    for area in ("north grid", "south grid"))  # fmt: skip
    assert (north, south) == (0.3720, 0.3644)
    assert mechanism_of("Hebei", OLD, HOUSE).price.value == south
    assert market_of("Hebei", "north grid").middle.value > 0.37
    assert market_of("Hebei").middle.value == market_of("Hebei", "south grid").middle.value


def test_classes_of_old_projects():
    assert mechanism_of("Henan", OLD, HOUSE).share.value == 1.0
    assert mechanism_of("Henan", OLD, HALL).share.value == 0.8
    # A class that was not found takes what is said of distributed PV as a whole.
    assert mechanism_of("Hubei", OLD, HOUSE).share.value == 0.8
    assert mechanism_of("Jilin", OLD, HOUSE).share.certainty == "assumption"


def test_months_of_the_market():
    found = market_of("Zhejiang")
    assert found.found == 6
    assert found.months[:6] == pytest.approx((0.34796, 0.14861, 0.16594, 0.26535, 0.3977, 0.3944))
    assert np.isnan(found.months[6:]).all()
    assert (found.low.value, found.high.value) == pytest.approx((0.67 * 0.28666, 1.33 * 0.28666))
    # Months without a settlement price: spot weighted by PV times the usual ratio of the two.
    shandong = market_of("Shandong")
    spot = {
        (r["month"], r["item"]): float(r["value"])
        for r in rows_of("reference/market_months.csv")
        if r["province"] == "Shandong" and not r["doubtful"]
    }
    newest = max(m for m, item in spot if item == "pv_price_rt" and m.endswith("-10"))
    assert shandong.months[9] == pytest.approx(0.80 * spot[newest, "pv_price_rt"])
    assert shandong.months[0] == pytest.approx(spot["2026-01", "settlement_ref"])
    # Guangdong has whole years of 2024 and 2025: the range is theirs.
    guangdong = market_of("Guangdong")
    assert guangdong.low.value != pytest.approx(0.67 * guangdong.middle.value)
    assert guangdong.low.value <= guangdong.middle.value <= guangdong.high.value
    assert market_of("Xizang") is None


def test_the_day_of_the_reform():
    assert mechanism_of("Zhejiang", dt.date(2025, 5, 31), HOUSE).price_from == "existing"
    assert mechanism_of("Zhejiang", dt.date(2025, 6, 1), HOUSE).price_from == "auction"
    with pytest.raises(AttributeError):
        market_of("Zhejiang").months = ()


def test_every_month_is_its_own():
    """Gansu has whole years of spot prices and no ratio: its months are the newest sound ones."""
    rows = [
        r
        for r in rows_of("reference/market_months.csv")
        if r["province"] == "Gansu" and not r["doubtful"]
    ]
    settled = {r["month"]: float(r["value"]) for r in rows if r["item"] == "settlement_ref"}
    spot = {r["month"]: float(r["value"]) for r in rows if r["item"] == "pv_price_rt"}
    found = market_of("Gansu").months
    for number in range(1, 13):
        kind = settled if any(int(m[5:]) == number for m in settled) else spot
        newest = max(m for m in kind if int(m[5:]) == number)
        assert found[number - 1] == pytest.approx(kind[newest]), number


def test_a_range_of_whole_years():
    spot = {
        r["month"]: 0.74 * float(r["value"])
        for r in rows_of("reference/market_months.csv")
        if r["province"] == "Guangdong" and r["item"] == "pv_price_rt" and not r["doubtful"]
    }
    years = [np.mean([v for m, v in spot.items() if m[:4] == y]) for y in ("2024", "2025")]
    found = market_of("Guangdong")
    assert found.low.value == pytest.approx(min(*years, found.middle.value))
    assert found.high.value == pytest.approx(max(*years, found.middle.value))


def test_tiers_end_where_a_limit_was_not_found():
    assert [t["up_to_kwh"] for t in household_tiers("Shanghai")] == ["3120", ""]
    assert [t["flat"] for t in household_tiers("Shanghai")] == ["0.617", "0.667"]
    assert len(household_tiers("Beijing")) == 3


def test_doubtful_months_are_left_out():
    told = rows_of("reference/market_months.csv")
    assert sum(bool(r["doubtful"]) for r in told) == 24
    assert len(told) == 494


def test_household_tiers_as_found():
    zhejiang = household_tiers("Zhejiang")
    assert [(t["up_to_kwh"], t["flat"]) for t in zhejiang] == [
        ("2760", "0.538"),
        ("4800", "0.588"),
        ("", "0.838"),
    ]
    assert [float(t["peak"]) for t in zhejiang] == pytest.approx([0.568, 0.618, 0.868])
    # Without limits the first tier holds for all.
    assert [(t["up_to_kwh"], t["flat"]) for t in household_tiers("Shandong")] == [("", "0.5469")]
    assert household_tiers("Xizang") == []
    assert find_bills(pvp.Scenario(), "Xizang") is None
    assert find_bills(pvp.Scenario(), "Henan").prices[2, 0] == 0.56
    priced = [p for p in provinces() if household_tiers(p)]
    assert len(priced) == 27
    assert self_use_least("Jilin").value == 0.8
    assert self_use_least("Zhejiang") is None


@pytest.mark.parametrize("province", provinces())
def test_every_province_says_what_holds_and_what_is_not_found(province):
    for on in (OLD, NEW):
        for language in ("en", "zh"):
            lines = price_lines(province, on, HOUSE, language)
            assert lines
            assert not any(re.search(r"\b(nan|None)\b", line) for line in lines)


def test_the_command_names_provinces_as_people_do():
    assert (
        find_province("浙江省") == find_province("浙江") == find_province("zhejiang") == "Zhejiang"
    )
    with pytest.raises(pvp.ConfigError, match="Foo"):
        find_province("Foo")
    with pytest.raises(pvp.ConfigError, match="general_commercial"):
        price_lines("Zhejiang", NEW, "foo", "en")
    assert "Grid area: south grid" in price_lines("Hebei", NEW, HOUSE, "en")
    assert "Grid area: north grid" in price_lines("Hebei", NEW, HOUSE, "en", "north grid")
    assert any("(8-12)" in line for line in price_lines("Zhejiang", NEW, HOUSE, "en"))
    assert any("does not win" in line for line in price_lines("Hunan", NEW, HOUSE, "en"))
    with pytest.raises(pvp.ConfigError, match="grid area"):
        price_lines("Zhejiang", NEW, HOUSE, "en", "south grid")
    said = "\n".join(price_lines("Zhejiang", NEW, HOUSE, "en"))
    assert "0.3816" in said
    assert "6 of 12 months" in said
    assert "one source" in said
    xizang = price_lines("Xizang", NEW, HOUSE, "en")
    assert xizang[-1].startswith("not found: Price of the mechanism")


def test_rows_carry_source_year_and_certainty():
    for name in ("provincial", "market_months", "market_rules", "grid_areas", "auction_bars"):
        for row in rows_of(f"reference/{name}.csv"):
            assert row["source"]
            assert row["year"].isdigit()
            assert row["certainty"] in ("two", "one", "unverified")
            assert row["province"] in provinces()
