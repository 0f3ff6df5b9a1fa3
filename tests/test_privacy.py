"""The public edition against somebody who wants to know: who is poor, and who uses what.

The attacker has all that the public map packs and the report shows, of several plans, and looks for
ratios, fits and differences that part households from each other.
"""

from __future__ import annotations

import csv
import io
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from villages import box, frame

import pvplanner as pvp
from pvplanner.demand import SCALES
from pvplanner.mapping import render_map
from pvplanner.mapping.data import page_data
from pvplanner.plan.public import GROUP, LEAST, groups_of, is_private, spread, without
from pvplanner.report import render_report
from pvplanner.report.posting import posting_rows

MODES = {
    "self_invest": {"finance.model": "self_invest"},
    "self_use": {"finance.model": "self_use"},
    "lease": {"finance.model": "roof_lease"},
    "developer": {"finance.model": "developer"},
    "cooperative": {"finance.model": "cooperative", "cooperative.mode": "self_use"},
    "low_income": {"finance.model": "cooperative", "cooperative.low_income_share": 0.3},
}
VILLAGES = {"plain": (60, 1), "hamlets": (72, 3), "small": (24, 2)}


def made(folder, count: int, hamlets: int, seed: int):
    rng = np.random.default_rng(seed)
    shapes = [
        box(22 * (n % 12), 18 * (n // 12), 9 + rng.integers(0, 8), 7 + rng.integers(0, 5))
        for n in range(count)
    ]  # fmt: skip
    ids = [f"B{n + 1:03d}" for n in range(count)]
    frame(shapes, building_id=ids).to_file(folder / "f.gpkg", engine="pyogrio")
    ledger = pd.DataFrame({
        "household_id": [f"H{n + 1:03d}" for n in range(count)], "building_id": ids,
        "hamlet": [f"hamlet {n % hamlets}" for n in range(count)],
        "household_name": [f"Name{n}" for n in range(count)],
        "consumption_kwh": rng.integers(900, 6500, count),
        "income_today": rng.integers(20_000, 90_000, count),
        "low_income": np.where(rng.random(count) < 0.3, "yes", "no"),
    })  # fmt: skip
    ledger.to_csv(folder / "l.csv", index=False)
    site = {"buildings": str(folder / "f.gpkg"), "households": str(folder / "l.csv")}
    base = pvp.plan_village(pvp.Scenario(name="t", language="en", site=site))
    return base, ledger.set_index("household_id")


@pytest.fixture(scope="module")
def villages(tmp_path_factory):
    return {
        name: made(tmp_path_factory.mktemp(name), *told, seed)
        for seed, (name, told) in enumerate(VILLAGES.items())
    }


def public_columns(plan) -> pd.DataFrame:
    """All numbers of households that the public map packs, as whole last digits."""
    _, packer, _ = page_data(plan.public(), "en", internal=False)
    held = {
        name.removeprefix("households."): whole
        for name, (whole, _) in packer._known.items() if name.startswith("households.")
    }  # fmt: skip
    ids = plan.public().households["household_id"].to_numpy()
    return pd.DataFrame(held, index=ids)


def numbers_of(plan) -> pd.DataFrame:
    """The map's columns and the tables' that pages show, of the public edition."""
    packed = public_columns(plan)
    homes = plan.public().households.set_index("household_id")
    private = ["consumption_kwh", "income_today", "low_income", "household_name"]
    told = homes.drop(columns=[c for c in private if c in homes]).select_dtypes("number")
    wide = plan.public().measures
    wide = wide[wide["case"] == "planned"].pivot(index="household_id", columns="model")
    wide = wide.select_dtypes("number")
    wide.columns = ["/".join(map(str, c)) for c in wide.columns]
    every = pd.concat([packed.add_prefix("packed/"), told, wide], axis=1).loc[packed.index]
    every = every.dropna(axis=1).astype(float)
    return every.loc[:, every.nunique() > 1]


def separation(values: np.ndarray, low: np.ndarray) -> float:
    """Area under the curve of a mark: 1/2 tells nothing, 1 tells all."""
    rank = pd.Series(values).rank().to_numpy()
    ups, downs = int(low.sum()), int((~low).sum())
    area = (rank[low].sum() - ups * (ups + 1) / 2) / (ups * downs)
    return max(area, 1 - area)


def ratios(told: pd.DataFrame):
    for one, other in itertools.permutations(told.columns, 2):
        with np.errstate(all="ignore"):
            values = told[one].to_numpy() / told[other].to_numpy()
        if np.isfinite(values).all() and np.ptp(values) > 1e-12 * np.abs(values).max():
            yield f"{one} / {other}", values


def parts_exactly(values: np.ndarray, low: np.ndarray) -> bool:
    """Whether some limit parts the marked from the others without one error."""
    return bool(values[low].min() > values[~low].max() or values[low].max() < values[~low].min())


def by_chance(count: int, low: np.ndarray, tries: int, seed: int = 0) -> float:
    """The best separation that so many columns of noise would give."""
    rng = np.random.default_rng(seed)
    return max(separation(rng.random(count), low) for _ in range(tries))


def fit_by_chance(use: np.ndarray, tries: int, seed: int = 0) -> float:
    """The best squared correlation with use that so many columns of noise would give."""
    rng = np.random.default_rng(seed)
    return max(np.corrcoef(rng.random(len(use)), use)[0, 1] ** 2 for _ in range(tries))


def explained(told: np.ndarray, wanted: np.ndarray, seed: int = 0) -> float:
    """R2 of a ridge fit in five folds: what a regression foretells of those it has not seen."""
    rng = np.random.default_rng(seed)
    x = (told - told.mean(axis=0)) / told.std(axis=0)
    fold = rng.integers(0, 5, len(wanted))
    guess = np.zeros(len(wanted))
    for n in range(5):
        rows = fold != n
        inner = x[rows].T @ x[rows] + 3.0 * np.eye(x.shape[1])
        middle = wanted[rows].mean()
        weight = np.linalg.solve(inner, x[rows].T @ (wanted[rows] - middle))
        guess[~rows] = middle + x[~rows] @ weight
    return 1 - float(((wanted - guess) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum())


def attack(told: pd.DataFrame, ledger: pd.DataFrame) -> tuple[float, float, float]:
    """Best separation of low income, what noise would give, R2 of use."""
    own = ledger.loc[told.index]
    low = own["low_income"].eq("yes").to_numpy()
    use = own["consumption_kwh"].to_numpy(dtype=float)
    found = list(ratios(told))
    best = max([separation(v, low) for _, v in found] + [0.5])
    assert not any(parts_exactly(v, low) for _, v in found)
    distinct = len({tuple(np.round(pd.Series(v).rank(pct=True), 6)) for _, v in found})
    lone = [np.corrcoef(v, use)[0, 1] ** 2 for _, v in found if np.ptp(v) > 1e-9]
    r2 = max([explained(told.to_numpy(), use), 0.0])
    # Of a few households the fens of rounding alone go with use by chance: as far as noise does.
    chance = fit_by_chance(use, max(distinct, 30))
    assert max(lone, default=0.0) < max(0.3, chance)
    return best, by_chance(len(low), low, max(distinct, 30)), r2


EVERYDAY = (("plain", "self_use"), ("hamlets", "cooperative"), ("small", "low_income"))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(name, mode, marks=() if (name, mode) in EVERYDAY else pytest.mark.long)
        for name in VILLAGES
        for mode in MODES
    ],
)
def test_the_attacker_learns_nothing(villages, name, mode):
    base, ledger = villages[name]
    told = numbers_of(base.under(MODES[mode]))
    best, chance, r2 = attack(told, ledger)
    assert best <= chance + 0.06, "low income can be told"
    assert r2 < 0.3, "use can be told"


def test_the_attacker_would_find_what_the_office_knows(villages):
    """The attack sees: on the office's own figures it parts the poor and foretells use."""
    base, ledger = villages["plain"]
    plan = base.under(MODES["low_income"])
    homes = plan.households.set_index("household_id").loc[ledger.index]
    low = ledger["low_income"].eq("yes").to_numpy()
    ratio = (homes["income_first_year"] / homes["energy_kwh"]).to_numpy()
    assert parts_exactly(ratio, low)
    own = base.under(MODES["self_use"]).households.set_index("household_id").loc[ledger.index]
    told = own[["self_used_kwh", "energy_kwh", "income_first_year"]].to_numpy(dtype=float)
    assert explained(told, ledger["consumption_kwh"].to_numpy(dtype=float)) > 0.6


def test_differences_between_plans_and_editions_tell_nothing(villages):
    """Two public plans with and without the part for low income, and with a battery."""
    base, ledger = villages["hamlets"]
    plans = [base.under(change) for change in (
        MODES["low_income"], {**MODES["low_income"], "cooperative.low_income_share": 0.0},
        {"finance.model": "self_use"}, {"finance.model": "self_use", "demand.battery_kwh": 5.0},
        {"finance.model": "self_use", "tariff.time_of_use": True},
    )]  # fmt: skip
    told = [numbers_of(plan) for plan in plans]
    for one, other in itertools.combinations(told, 2):
        names = [c for c in one if c in other]
        apart = (one[names] - other[names]).add_prefix("less/")
        times = (one[names] / other[names]).replace([np.inf, -np.inf], np.nan).dropna(axis=1)
        both = pd.concat([apart, times.add_prefix("over/")], axis=1)
        both = both.loc[:, both.nunique() > 1].dropna(axis=1)
        if both.shape[1] < 2:
            continue
        best, chance, r2 = attack(both.iloc[:, :24], ledger)
        assert best <= chance + 0.06
        assert r2 < 0.3


def test_public_pages_hold_no_name_and_no_private_column(villages):
    base, ledger = villages["plain"]
    for mode in ("self_use", "low_income"):
        plan = base.under(MODES[mode])
        for page in (render_map(plan, "en", internal=False),
                     render_report(plan, "en", internal=False)):  # fmt: skip
            assert "Name1" not in page
            for value in ledger["income_today"].head(20):
                assert f"{value:,}" not in page


def test_sums_stay_what_they_are(villages):
    """Own use of groups and capacity, energy and cost of each are those of the office."""
    base, _ = villages["hamlets"]
    plan = base.under(MODES["self_use"])
    ours, theirs = plan.public().households, plan.households
    for name in ("energy_kwh", "capacity_kwp", "capital", "avoided_t", "modules"):
        np.testing.assert_allclose(ours[name], theirs[name])
    for name in ("self_used_kwh", "load_kwh", "income_first_year"):
        assert ours[name].sum() == pytest.approx(theirs[name].sum(), rel=3e-4)
    for hamlet, own in ours.groupby("hamlet"):
        other = theirs[theirs["hamlet"] == hamlet]
        assert own["self_used_kwh"].sum() == pytest.approx(other["self_used_kwh"].sum(), rel=1e-4)
        assert own["self_consumption"].dropna().round(3).nunique() == 1
    villages_ = plan.public().villages
    whole = theirs["income_first_year"].sum()
    assert villages_["income_first_year"].iloc[0] == pytest.approx(whole)


def test_what_goes_to_low_income_is_one_sum(villages):
    base, ledger = villages["plain"]
    plan = base.under(MODES["low_income"])
    flows = plan.public().cash_flows()
    first = flows[(flows["year"] == 1) & (flows["item"] == "dividend")]
    together = float(first.loc[first["party"] == "low_income_members", "yuan"].sum())
    whole = float(plan.result("collective")["dividend_first_year"].iloc[0])
    assert together == pytest.approx(0.3 * whole, abs=0.01)
    own = first[first["party"] == "household"]
    assert own["yuan"].sum() + together == pytest.approx(whole, abs=0.01)
    assert flows.groupby("year")["yuan"].sum().abs().max() < 0.005
    # The village's total holds that sum; single households do not.
    public = plan.public()
    income = public.villages["income_first_year"].iloc[0]
    assert income == pytest.approx(public.households["income_first_year"].sum() + together, abs=0.1)
    assert np.isnan(public.villages["low_income_share"].iloc[0])
    rows, unnamed = posting_rows(plan)
    assert unnamed == pytest.approx(together)
    assert rows["posting_amount"].sum() == pytest.approx(whole - together, abs=0.01)
    assert rows["posting_share"].sum() == pytest.approx(1)
    assert set(rows["household_id"]) <= set(ledger.index)


def test_the_list_to_be_posted(villages, tmp_path):
    base, _ = villages["plain"]
    plan = base.under(MODES["low_income"])
    page = pvp.save_posting(plan, tmp_path / "p.html").read_text("utf-8")
    assert "Name1" not in page
    assert "Members of low income, together" in page
    assert "default-src 'none'" in page
    body = pvp.save_posting(plan, tmp_path / "p.csv", language="zh").read_bytes()
    assert body.startswith(b"\xef\xbb\xbf")
    told = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(told) == 1 + 60 + 3
    assert told[-2][0] == "低收入成员合计"
    with pytest.raises(pvp.ConfigError, match="pays"):
        pvp.save_posting(base, tmp_path / "q.html")
    with pytest.raises(pvp.ConfigError, match="of this kind"):
        pvp.save_posting(plan, tmp_path / "q.docx")


def test_totals_of_too_few_tell_nothing_of_their_use(tmp_path):
    """Of three households the sum is nearly each one's own."""
    shapes = [box(22 * n, 0, 10, 9) for n in range(3)]
    frame(shapes).to_file(tmp_path / "f.gpkg", engine="pyogrio")
    rows = "\n".join(f"H{n},B{n + 1},{900 + 700 * n}" for n in range(3))
    (tmp_path / "l.csv").write_text(f"household_id,building_id,consumption_kwh\n{rows}\n", "utf-8")
    plan = pvp.plan_village(pvp.Scenario(
        site={"buildings": str(tmp_path / "f.gpkg"), "households": str(tmp_path / "l.csv")},
        finance={"model": "self_use"}))  # fmt: skip
    public = plan.public()
    assert np.isnan(public.villages["income_first_year"].iloc[0])
    assert np.isnan(public.villages["supply_ratio"].iloc[0])
    assert public.households["self_used_kwh"].isna().all()
    assert public.villages["energy_kwh"].iloc[0] == plan.villages["energy_kwh"].iloc[0]
    assert np.isfinite(plan.villages["income_first_year"].iloc[0])


def test_a_hamlet_is_no_formula(tmp_path):
    shapes = [box(22 * n, 0, 10, 9) for n in range(6)]
    frame(shapes).to_file(tmp_path / "f.gpkg", engine="pyogrio")
    rows = [f"=1+H{n},B{n + 1},{h}" for n, h in enumerate(
        ("=1+1", "-2+3", "@SUM", "+cmd", "<b>x</b>", "-5"))]  # fmt: skip
    (tmp_path / "l.csv").write_text("household_id,building_id,hamlet\n" + "\n".join(rows), "utf-8")
    plan = pvp.plan_village(pvp.Scenario(
        site={"buildings": str(tmp_path / "f.gpkg"), "households": str(tmp_path / "l.csv")},
        finance={"model": "roof_lease"}))  # fmt: skip
    told = pvp.save_posting(plan, tmp_path / "p.csv").read_text("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(told)) for cell in row]
    assert "'=1+1" in cells
    assert not any(re.match(r"[=+@]|-(?!\d+$)", cell) for cell in cells)
    assert "<b>x</b>" not in pvp.save_posting(plan, tmp_path / "p.html").read_text("utf-8")


def test_nothing_private_nothing_blurred(tmp_path):
    shapes = [box(22 * n, 0, 10, 9) for n in range(4)]
    frame(shapes).to_file(tmp_path / "f.gpkg", engine="pyogrio")
    plan = pvp.plan_village(pvp.Scenario(site={"buildings": str(tmp_path / "f.gpkg")}))
    assert plan.public() is plan
    assert "public_note" not in plan.notes()


def test_the_page_says_that_it_is_blurred(villages):
    base, _ = villages["plain"]
    page = render_report(base, "en", internal=False)
    assert "groups of at least ten households" in page
    assert "groups of at least ten households" not in render_report(base, "en", internal=True)


# --- groups -------------------------------------------------------------------------------------
def homes(count, kind="n", hamlet="", energy=100.0, own=False) -> pd.DataFrame:
    return pd.DataFrame({"energy_kwh": [float(energy)] * count, "class": kind, "hamlet": hamlet,
                         "own": own})  # fmt: skip


def sizes(*parts) -> list[int]:
    told = pd.concat(parts, ignore_index=True)
    group = groups_of(told)
    live = told["energy_kwh"].gt(0).to_numpy() & (group >= 0)
    return sorted(pd.Series(group[live]).value_counts())


def test_groups_are_never_small():
    assert sizes(homes(30, hamlet="a"), homes(12, hamlet="b")) == [12, 30]
    assert sizes(homes(30, hamlet="a"), homes(6, hamlet="b"), homes(5, hamlet="c")) == [11, 30]
    # A pool that is small itself takes the smallest other group in.
    assert sizes(homes(30, hamlet="a"), homes(12, hamlet="b"), homes(3, hamlet="c")) == [15, 30]
    assert sizes(homes(30), homes(4, kind="c")) == [34]
    assert sizes(homes(12, hamlet="a"), homes(3, hamlet="b", energy=0.0)) == [12]
    assert sizes(homes(7)) == [7]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        parts = [homes(int(rng.integers(1, 25)), kind=str(rng.choice(["n", "c"])), hamlet=str(h))
                 for h in range(int(rng.integers(1, 9)))]  # fmt: skip
        whole = sum(len(part) for part in parts)
        found = sizes(*parts)
        assert sum(found) in (whole, 0)
        assert min(found, default=GROUP) >= min(GROUP, whole)


def test_of_too_few_nothing_is_told():
    told = homes(LEAST - 1)
    assert set(groups_of(told)) == {-2}
    assert set(groups_of(homes(LEAST))) == {0}
    mixed = pd.concat([homes(LEAST, hamlet="x"), homes(2, own=True)], ignore_index=True)
    assert list(groups_of(mixed)) == [0] * LEAST + [-1, -1]


def test_spreading_keeps_sums_and_hides_what_is_too_few():
    names = ["load_kwh", "self_used_kwh_0", "battery_loss_kwh_0", "export_kwh_h12"]
    others = [f"self_used_kwh_{n}" for n in range(1, len(SCALES))]
    rng = np.random.default_rng(1)
    demand = pd.DataFrame({n: rng.random(6) * 100 for n in (*names, *others)})
    bills = pd.DataFrame({"bill_before": rng.random(6) * 900,
                          **{f"bill_after_{n}": rng.random(6) * 400
                             for n in range(len(SCALES))}})  # fmt: skip
    energy = np.array([10.0, 20.0, 30.0, 0.0, 5.0, 5.0])
    group = np.array([0, 0, 0, 0, -1, -2])
    use, paid = spread(demand, bills, energy, group)
    for name in demand:
        assert use[name][:4].sum() == pytest.approx(demand[name][:4].sum())
        assert use[name][4] == demand[name][4]
        assert np.isnan(use[name][5])
    assert use["self_used_kwh_0"][1] == pytest.approx(2 * use["self_used_kwh_0"][0])
    assert use["self_used_kwh_0"][3] == 0
    assert use["load_kwh"][:4].nunique() == 1
    saved = paid["bill_before"] - paid["bill_after_0"]
    told = bills["bill_before"] - bills["bill_after_0"]
    assert saved[:4].sum() == pytest.approx(told[:4].sum())
    assert paid["bill_after_0"][4] == bills["bill_after_0"][4]
    assert np.isnan(paid["bill_before"][5])
    assert demand["load_kwh"][5] > 0, "what was given is left alone"


def test_what_is_private_is_known():
    people = pd.DataFrame({
        "own_building": [False] * 24 + [True], "consumption_kwh": [np.nan] * 25,
        "low_income": pd.array([True] * 12 + [False] * 12 + [pd.NA], dtype="boolean"),
    })  # fmt: skip
    assert is_private(people, False, 0.0) == (False, False, False)
    assert is_private(people, True, 0.0) == (True, False, False)
    assert is_private(people, False, 0.2) == (False, True, False)
    people.loc[3, "consumption_kwh"] = 900.0
    assert is_private(people, False, 0.0)[0]
    people.loc[:8, "low_income"] = False
    assert is_private(people, False, 0.2) == (True, True, True)
    people["low_income"] = pd.array([pd.NA] * 25, dtype="boolean")
    assert is_private(people, False, 0.2)[1:] == (False, False)
    bare = without(people, ("low_income", "nothing"))
    assert bare["consumption_kwh"].isna().all()
    assert bare["low_income"].isna().all()
    assert people["consumption_kwh"].notna().any()


def test_findings_for_the_public_say_no_rows_of_private_columns():
    told = pvp.Finding("column_odd", "l.csv", 1, {
        "column": "consumption_kwh", "values": "99", "rows": "7", "low": "1", "high": "2",
        "source": "x"})  # fmt: skip
    assert not re.search("99|7", told.text("en", public=True))
    assert "99" in told.text("en")
