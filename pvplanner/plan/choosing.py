"""Choosing on a plan: households, models and phases under budget and grid, as another plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, listed
from pvplanner.grid.tree import Limits
from pvplanner.plan.listing import PROGRAMME
from pvplanner.plan.plan import Plan
from pvplanner.reading.values import natural_key
from pvplanner.schema import CASES
from pvplanner.selection import Chosen, Problem, choose, front, hangs_on, tied, totals_of
from pvplanner.selection.problem import ASIDE, NEVER, NOTHING, PROTECTED, UNKNOWN
from pvplanner.words import reason_of, texts

if TYPE_CHECKING:
    from pvplanner.scenario import Scenario

FRONT_GOALS = ("income", "low_income", "energy", "carbon", "npv")
"""Goals that are set against the one that weighs most, the first that differs."""

PICTURED = 20_000
"""Questions up to which trade-offs are drawn: each point is a search of its own."""


def select_households(
    plan: Plan,
    *,
    budget: float | Sequence[float] | None = None,
    phases: int | Sequence[int] | None = None,
    weights: Mapping[str, float] | None = None,
    min_share: Mapping[str, float] | None = None,
    must: Sequence[str] | None = None,
    never: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    price_case: str | None = None,
    reuse: float | None = None,
    capacity_kw: float | None = None,
    gap: float | None = None,
    nodes: int | None = None,
) -> Plan:
    """Choose which households are built in which phase, and under which model.

    Parameters
    ----------
    plan : Plan
        What fits on the roofs, with or without a grid. What is not given here is as its scenario's
        ``[selection]`` says.
    budget : float or sequence of float, optional
        Capital that may be built for in each phase, currency; without one there is no such limit.
    phases : int or sequence of int, optional
        Number of phases, a year each, or their years.
    weights : mapping, optional
        Of ``npv``, ``income``, ``energy``, ``carbon``, ``low_income`` (income of households of low
        income). One goal keeps its unit; of several each counts as a share of what the whole
        village would bring.
    min_share : mapping, optional
        Least share of the households chosen: ``low_income``, a hamlet's name, ``hamlet`` for each.
    must, never : sequence of str, optional
        Households or buildings.
    models : sequence of str, optional
        Models to choose from; each household's own if none is given.
    price_case : str, optional
        One of the plan's price cases, ``expected`` (their mean), ``worst`` (the least of them).
    reuse : float, optional
        Share of the income of earlier phases that is built with.
    capacity_kw : float, optional
        Most AC power of all phases together, kW.
    gap : float, optional
        The search ends this close to the best, as a share.
    nodes : int, optional
        Or after so many branches.

    Returns
    -------
    Plan
        Of the households chosen. Its ``selection`` has a row per household: ``household_id``,
        ``model``, ``phase`` (nan: not chosen), ``reason`` in the scenario's language, ``limits``
        (its codes); its ``programme`` says how close to the best it is.

    Raises
    ------
    ConfigError
        If wishes contradict each other, or name what is not there.
    """
    given = {
        "budget": _listed(budget), "phases": _listed(phases), "min_share": min_share,
        "weights": weights, "must": must, "never": never, "models": models,
        "price_case": price_case, "reuse": reuse, "capacity_kw": capacity_kw, "gap": gap,
        "nodes": nodes,
    }  # fmt: skip
    changes = {f"selection.{k}": _plain(v) for k, v in given.items() if v is not None}
    base = plan.under({**changes, "selection.file": None, "selection.facts": None})
    found, programme = selection_of(base)
    return base.with_list(found, programme)


def _listed(value: Any) -> Any:
    """A sequence of any kind as a list; a number as it is."""
    return list(value) if isinstance(value, Sequence | np.ndarray) else value


def _plain(value: Any) -> Any:
    """What a caller gave, as a scenario holds it."""
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str) else _listed(value)


def selection_of(base: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The list of a plan in which everything is built, and what was found beside it."""
    problem = problem_of(base)
    choice = base.scenario.selection
    chosen = choose(problem, gap=choice.gap, nodes=choice.nodes)
    return list_of(base, problem, chosen), programme_of(problem, chosen, base.scenario)


def problem_of(plan: Plan) -> Problem:
    """What a plan may choose from, and under which limits.

    Raises
    ------
    ConfigError
        If ``[selection]`` names what is not there, or what is sought is not known of any.
    """
    choice = plan.scenario.selection
    homes = plan.households
    order = sorted(range(len(homes)), key=lambda n: natural_key(str(homes["household_id"].iloc[n])))
    homes = homes.iloc[order].reset_index(drop=True)
    ids = tuple(homes["household_id"].astype(str))
    links = plan.shares
    options, values = _options(plan, homes)
    count = len(ids)
    kw = homes["capacity_kw_ac"].to_numpy(dtype=float)
    named = _named(plan, ids, links)
    must, never = named(choice.must, "selection.must"), named(choice.never, "selection.never")
    barred = _barred(plan, homes, links, options, values, never)
    pairs = list(zip(links["building_id"].astype(str), links["household_id"].astype(str),
                     strict=True))  # fmt: skip
    years = choice.years(plan.scenario.tariff.connection_date.year)
    open_, chain = _nodes(plan, ids, links, years)
    low = homes["low_income"].eq(True).fillna(False).to_numpy(dtype=bool)
    hamlet = homes["hamlet"].astype(object) if "hamlet" in homes else pd.Series([""] * count)
    hamlets = tuple(str(h) if isinstance(h, str) else "" for h in hamlet)
    _known_shares(choice.min_share, hamlets, low)
    row = options["household"].to_numpy(dtype=np.int64)
    cost = plan.scenario.finance.capex_per_w
    return Problem(
        ids=ids,
        household=row,
        models=tuple(options["model"].astype(str)),
        values=values,
        capital=np.round(homes["capacity_kwp"].to_numpy(dtype=float)[row] * 1000 * cost, 2),
        income=np.nan_to_num(np.maximum(values["income"][:, 0], 0.0)),
        kw=kw,
        group=tied(pairs, ids),
        hamlet=hamlets,
        low_income=low,
        barred=barred,
        must=tuple(must),
        nodes=open_,
        chain=chain,
        budget=_budget(choice.budget, len(years)),
        phases=len(years),
        weights=dict(choice.weights),
        min_share=dict(choice.min_share),
        reuse=choice.reuse,
        discount=1 / (1 + plan.scenario.finance.discount_rate),
        capacity_kw=choice.capacity_kw,
        how=_how(choice.price_case),
    ).checked()


def _how(case: str) -> str:
    return case if case in ("expected", "worst") else f"case:{CASES.index(case)}"


def _budget(stated: float | list[float] | None, phases: int) -> np.ndarray | None:
    """What may be built for in each phase.

    Raises
    ------
    ConfigError
        If a list has another length than there are phases.
    """
    if stated is None:
        return None
    if isinstance(stated, list) and len(stated) != phases:
        raise ConfigError("selection_budgets", where="selection.budget", count=len(stated),
                          phases=phases)  # fmt: skip
    return np.broadcast_to(np.asarray(stated, dtype=float), (phases,)).copy()


def _options(plan: Plan, homes: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Each household under each model that may be chosen, with what that brings by case."""
    wanted = tuple(plan.scenario.selection.models)
    place = pd.Series(range(len(homes)), homes["household_id"].to_numpy())
    own = dict(zip(homes["household_id"], homes["model"], strict=True))
    held = plan.measures
    held = held[held["household_id"].isin(place.index)]
    if wanted:
        held = held[held["model"].isin(wanted)]
    else:
        held = held[held["model"] == held["household_id"].map(own)]
    held = held[held["household_id"].map(place).map(homes["modules"]) > 0]
    key = ["household_id", "model", "case"]
    table = held.set_index(key)[["npv", "income_first_year"]].unstack("case")
    table = table.reset_index() if len(table) else table
    if not len(table):
        none = np.zeros((0, len(CASES)))
        empty = pd.DataFrame({"household": pd.Series(dtype=int), "model": pd.Series(dtype=str)})
        return empty, dict.fromkeys(("npv", "income", "energy", "carbon", "low_income"), none)
    options = pd.DataFrame(
        {"household": table["household_id"].map(place).to_numpy(), "model": table["model"]}
    )
    first = options["model"] == homes["model"].to_numpy()[options["household"]]
    at = np.lexsort((options["model"].to_numpy(), ~first.to_numpy(), options["household"]))
    options, table = options.iloc[at].reset_index(drop=True), table.iloc[at]
    row = options["household"].to_numpy(dtype=np.int64)

    def by_case(name: str) -> np.ndarray:
        return np.column_stack([table[(name, case)].to_numpy(dtype=float) for case in CASES])

    def alike(name: str, poor: str) -> np.ndarray:
        usual = homes[name].to_numpy(dtype=float)[row]
        bad = homes[poor].to_numpy(dtype=float)[row]
        lean = np.array([case in ("poor_years", "together") for case in CASES])
        return np.where(lean, bad[:, None], usual[:, None])

    income = by_case("income_first_year")
    low = homes["low_income"].eq(True).fillna(False).to_numpy(dtype=bool)[row]
    return options, {
        "npv": by_case("npv"),
        "income": income,
        "energy": alike("energy_kwh", "energy_p90_built_kwh"),
        "carbon": alike("avoided_t", "avoided_p90_t"),
        "low_income": np.where(low[:, None], income, 0.0),
    }


def _named(plan: Plan, ids: tuple[str, ...], links: pd.DataFrame) -> Any:
    """Places of households that a list names, by their own id or that of a building of theirs."""
    place = {name: n for n, name in enumerate(ids)}
    houses = links.groupby(links["building_id"].astype(str))["household_id"].agg(list).to_dict()

    def found(names: Sequence[str], where: str) -> list[int]:
        out: list[int] = []
        odd = [n for n in names if n not in place and n not in houses]
        if odd:
            raise ConfigError("selection_nobody", where=where, ids=listed(odd))
        for name in names:
            out += [place[name]] if name in place else [place[str(h)] for h in houses[name]]
        return list(dict.fromkeys(out))

    return found


def _barred(
    plan: Plan, homes: pd.DataFrame, links: pd.DataFrame, options: pd.DataFrame,
    values: Mapping[str, np.ndarray], never: Sequence[int],
) -> dict[int, str]:  # fmt: skip
    """Households that can't be chosen, and why."""
    out: dict[int, str] = {}
    has = set(options["household"])
    sought = [g for g, w in plan.scenario.selection.weights.items() if w > 0]
    how = plan.scenario.selection.price_case
    looked = slice(None) if how in ("expected", "worst") else [CASES.index(how)]
    known = np.ones(len(options), dtype=bool)
    for goal in sought:
        known &= np.isfinite(values[goal][:, looked]).all(axis=1)
    for n in set(options.loc[~known, "household"]):
        out[int(n)] = UNKNOWN
    if len(options) and not known.any():
        raise ConfigError(
            "selection_unknown_worth", where="selection.weights", goals=listed(sought)
        )
    for goal in sought:
        # Whoever's worth is not known is barred: nothing is reckoned with this.
        values[goal][~known] = 0.0
    out |= {n: NOTHING for n in range(len(homes)) if n not in has}
    out |= _aside(plan, homes, links, [n for n, why in out.items() if why == NOTHING])
    roofs = plan.buildings
    kept = set(roofs.loc[roofs["protected"].eq(True).fillna(False), "building_id"].astype(str)) if (
        "protected" in roofs
    ) else set()  # fmt: skip
    own = links[links["building_id"].astype(str).isin(kept)]["household_id"].astype(str)
    place = {name: n for n, name in enumerate(homes["household_id"].astype(str))}
    out |= {place[h]: PROTECTED for h in own if h in place}
    return out | dict.fromkeys(never, NEVER)


def _aside(
    plan: Plan, homes: pd.DataFrame, links: pd.DataFrame, bare: Sequence[int]
) -> dict[int, str]:
    """Of households on whose roofs nothing is built, those whose buildings are all set aside."""
    roofs = plan.buildings.set_index(plan.buildings["building_id"].astype(str))
    own = links.groupby(links["household_id"].astype(str))["building_id"].agg(list)
    out = {}
    for n in bare:
        houses = [str(b) for b in own.get(str(homes["household_id"].iloc[n]), [])]
        told = roofs.loc[[b for b in houses if b in roofs.index]]
        if len(told) and (told["status"] == "set_aside").all():
            why = str(told["status_reason"].iloc[0]).partition(":")[0]
            out[n] = f"{ASIDE}:{why}" if why in told_words() else ASIDE
    return out


def told_words() -> frozenset[str]:
    """Words that a reason may name."""
    return frozenset(texts("en"))


def _known_shares(shares: Mapping[str, float], hamlets: Sequence[str], low: np.ndarray) -> None:
    known = {"low_income", "hamlet", *hamlets} - {""}
    odd = [name for name in shares if name not in known]
    if odd:
        raise ConfigError("selection_hamlet", where="selection.min_share", value=odd[0],
                          known=listed(sorted(known), 12))  # fmt: skip
    if "low_income" in shares and not low.any():
        raise ConfigError("selection_no_low_income", where="selection.min_share")


def _nodes(
    plan: Plan, ids: tuple[str, ...], links: pd.DataFrame, years: list[int]
) -> tuple[dict[str, np.ndarray], tuple[tuple[str, ...], ...]]:
    """What is open at each node by phase, and the nodes over each household.

    What is registered and not built lapses in the year that its row says.
    """
    trees = [part.result("limits") for part in plan.parts.values()]
    trees = [tree for tree in trees if len(tree)]
    if not trees or "transformer_id" not in plan.buildings:
        return {}, tuple(() for _ in ids)
    limits = pd.concat(trees, ignore_index=True).groupby("transformer_id", sort=False)
    first = limits.first().reset_index().assign(open_kw=limits["open_kw"].min().to_numpy())
    tree = Limits.of_table(first)
    open_ = {name: np.full(len(years), kw) for name, kw in tree.known.items()}
    for name, kw, year in _lapsing(plan, tree):
        later = np.array(years) > year
        open_[name] = open_[name] + kw * later
    place = dict(zip(plan.buildings["building_id"].astype(str),
                     plan.buildings["transformer_id"].astype(object), strict=True))  # fmt: skip
    built = set(plan.arrays["building_id"].astype(str))
    chain: dict[str, dict[str, None]] = {name: {} for name in ids}
    for building, home in zip(links["building_id"].astype(str), links["household_id"].astype(str),
                              strict=True):  # fmt: skip
        node = place.get(building)
        if building in built and home in chain and isinstance(node, str) and node:
            chain[home] |= dict.fromkeys(up for up in tree.way_up(node) if up in open_)
    used = {name for names in chain.values() for name in names}
    return ({name: kw for name, kw in open_.items() if name in used},
            tuple(tuple(chain[name]) for name in ids))  # fmt: skip


def _lapsing(plan: Plan, tree: Limits) -> list[tuple[str, float, int]]:
    """Nodes whose registered power lapses in a year to come: node, kW, year."""
    table = tree.table
    own = table[(table["open_from"] == "dl_t_2041") & (table["registered_kw"] > 0)]
    until = own["registered_until"] if "registered_until" in own else pd.Series(dtype="string")
    return [
        (str(name), float(kw), int(str(day)[:4]))
        for name, kw, day in zip(own["transformer_id"], own["registered_kw"], until, strict=False)
        if isinstance(day, str) and day
    ]


def list_of(plan: Plan, problem: Problem, chosen: Chosen) -> pd.DataFrame:
    """The list as a table, in the order of the plan's households."""
    choice, language = chosen.choice, plan.scenario.language
    names = np.array([*problem.models, ""], dtype=object)
    out = pd.DataFrame(
        {
            "household_id": list(problem.ids),
            "model": names[choice.option],
            "phase": np.where(choice.phase >= 0, choice.phase + 1.0, np.nan),
            "reason": [
                reason_of(codes, int(phase) + 1, language)
                for codes, phase in zip(chosen.reasons, choice.phase, strict=True)
            ],
            "limits": [" ".join(codes) for codes in chosen.reasons],
        }
    )
    own = dict(zip(plan.households["household_id"].astype(str), plan.households["model"],
                   strict=True))  # fmt: skip
    out["model"] = [m or own[h] for m, h in zip(out["model"], out["household_id"], strict=True)]
    order = plan.households["household_id"].astype(str)
    out = out.set_index("household_id").loc[order].reset_index()
    texts = ["household_id", "model", "reason", "limits"]
    return out.astype(dict.fromkeys(texts, "string"))


def programme_of(problem: Problem, chosen: Chosen, scenario: Scenario) -> pd.DataFrame:
    """What is to be known beside the list: ``kind``, ``name``, ``measure``, ``value``.

    ``solution``: objective, bound, gap, whether it was searched exactly; ``totals`` by phase;
    ``front`` (points of two goals) and ``hangs_on`` where the question is small enough to ask
    again and again.
    """
    choice = chosen.choice
    rows: list[tuple[str, str, str, float]] = [
        ("solution", "", "objective", choice.objective),
        ("solution", "", "bound", choice.bound),
        ("solution", "", "gap", choice.gap),
        ("solution", "", "exact", float(choice.exact)),
        ("solution", "", "nodes", float(choice.nodes)),
    ]
    for phase in range(problem.phases):
        taken = np.flatnonzero(choice.phase == phase)
        cells = choice.option[taken]
        told = {
            "households": float(len(taken)), "kw": float(problem.kw[taken].sum()),
            "capital": float(problem.capital[cells].sum()),
            "income": float(problem.values["income"][cells, 0].sum()),
        }  # fmt: skip
        if problem.budget is not None:
            told["budget"] = float(problem.budget[phase])
            earlier = choice.option[(choice.phase >= 0) & (choice.phase < phase)]
            told["reused"] = problem.reuse * float(problem.income[earlier].sum())
        rows += [("phase", str(phase + 1), name, value) for name, value in told.items()]
    whole = totals_of(problem, choice)
    rows += [("totals", "", name, value) for name, value in whole.items()]
    if 0 < problem.options * problem.phases <= PICTURED:
        rows += _pictures(problem, chosen, scenario)
    return pd.DataFrame(rows, columns=list(PROGRAMME)).astype(PROGRAMME)


def _pictures(
    problem: Problem, chosen: Chosen, scenario: Scenario
) -> list[tuple[str, str, str, float]]:
    first = max(problem.weights, key=lambda name: problem.weights[name])
    rows: list[tuple[str, str, str, float]] = []
    others = [g for g in FRONT_GOALS if g != first and np.abs(problem.values[g]).sum() > 0]
    if others:
        second = "income" if "income" in others else others[0]
        if "low_income" in others:
            second = "low_income"
        for n, row in enumerate(front(problem, chosen.choice, first, second).itertuples()):
            own = {first: getattr(row, first), second: getattr(row, second),
                   "chosen": float(row.chosen)}  # fmt: skip
            rows += [("front", str(n + 1), name, float(value)) for name, value in own.items()]
    sought = [goal for goal, weight in problem.weights.items() if weight > 0]
    cases = {
        name: CASES.index(name) for name in ("market_low", "market_high", "poor_years")
        if all(np.isfinite(problem.values[g][:, CASES.index(name)]).all() for g in sought)
    }  # fmt: skip
    told, share = hangs_on(problem, chosen.choice, cases)
    for row in told.itertuples():
        rows += [("hangs_on", row.varied, name, float(getattr(row, name)))
                 for name in ("entered", "left", "moved", "households")]  # fmt: skip
    if len(told):
        rows += [("stays", name, "share", float(part))
                 for name, part in zip(problem.ids, share, strict=True)]  # fmt: skip
    return rows
