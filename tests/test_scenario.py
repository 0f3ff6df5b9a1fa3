"""Scenarios: frozen, checked, and helpful about typos."""

from __future__ import annotations

import pickle

import pytest

import pvplanner as pvp


def test_defaults_alone_are_valid_and_frozen():
    scenario = pvp.Scenario()
    with pytest.raises(ValueError, match="frozen"):
        scenario.name = "x"
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_override_is_a_checked_copy():
    scenario = pvp.Scenario()
    dearer = scenario.override({"finance.capex_per_w": 3.2, "site.columns": {"a": "floors"}})
    assert (scenario.finance.capex_per_w, dearer.finance.capex_per_w) == (3.0, 3.2)
    with pytest.raises(pvp.ConfigError, match=r"finance\.discount_rate"):
        scenario.override({"finance.discount_rate": 5})
    with pytest.raises(pvp.ConfigError, match="capex_per_w"):
        scenario.override({"finance.capex_per_wat": 3})
    with pytest.raises(pvp.ConfigError, match="'finance'"):
        scenario.override({"finace.capex_per_w": 3})


def test_a_key_in_the_wrong_section_is_pointed_to():
    with pytest.raises(pvp.ConfigError, match=r"finance\.discount_rate"):
        pvp.Scenario(tariff={"discount_rate": 0.05})


def write(folder, text):
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[finance]\ncapex_per_watt = 3", "did you mean 'capex_per_w'"),
        ("[finance]\nlife_years = 0", r"finance\.life_years"),
        ("[finance]\ncapex_per_w = 'three'", r"finance\.capex_per_w"),
        ("[system]\nmount = 'rof'", "roof"),
        ("[site]\nprovince = 'Zhejang'", "Zhejiang"),
        ("[site]\ndivision_code = '33'", "division_code"),
        ("[carbon]\nfactor_kg_per_kwh = 497.4", "factor_kg_per_kwh"),
        ("this is not toml", "not a scenario"),
        ("finance = 3", "finance"),
    ],
)
def test_bad_files_are_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(pvp.ConfigError, match=said) as caught:
        pvp.Scenario.from_toml(write(tmp_path, text))
    assert "scenario.toml" in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(pvp.ConfigError, match="no such file"):
        pvp.Scenario.from_toml(tmp_path / "nowhere.toml")
    with pytest.raises(pvp.ConfigError):
        pvp.Scenario.from_toml(tmp_path)


def test_paths_are_relative_to_the_file_and_survive_writing(tmp_path):
    text = 'name="里岙"\n[site]\nbuildings="a/b.gpkg"\nprovince="浙江"\n'
    read = pvp.Scenario.from_toml(write(tmp_path, text))
    assert read.site.buildings == str(tmp_path.resolve() / "a/b.gpkg")
    assert read.site.province == "Zhejiang"
    out = tmp_path / "out"
    out.mkdir()
    (out / "scenario.toml").write_text(read.to_toml(out), encoding="utf-8")
    assert "../a/b.gpkg" in read.to_toml(out)
    again = pvp.Scenario.from_toml(out / "scenario.toml")
    assert again.override({"site.buildings": "x"}) == read.override(
        {"site.buildings": "x", **_given(again)}
    )


def _given(scenario):
    """Writing states every default; equality is by value."""
    return {"name": scenario.name}


@pytest.mark.parametrize(
    ("value", "said"), [([0.1, 0.2], "12"), ([1.0] * 12, "< 1"), ("much", "number")]
)
def test_a_list_by_the_month_says_what_is_wrong_with_it(value, said):
    with pytest.raises(pvp.ConfigError, match=said) as found:
        pvp.Scenario().override({"system.loss_items.snow": value})
    assert found.value.where.startswith("system.loss_items.snow")
