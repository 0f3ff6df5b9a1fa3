"""A plan: a lazy view of its stages, and everything a page needs to show them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvplanner.errors import Finding
from pvplanner.plan.joined import Runs
from pvplanner.plan.runner import Run
from pvplanner.plan.store import FolderStore, MemoryStore
from pvplanner.plan.summary import alike, summarise, versions, weather_facts
from pvplanner.plan.worth import GRAPH, case_of
from pvplanner.scenario import Scenario
from pvplanner.scenario.doubts import key_findings
from pvplanner.schema import TABLES
from pvplanner.storage import usual_texts, with_texts

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from pvplanner.money import Case, Terms
    from pvplanner.plan.site import Place

BASES = {
    "buildings": "buildings",
    "planes": "planes",
    "shares": "links",
    "arrays": "arrays",
    "energy": "energy",
    "households": "people",
    "demand": "demand",
    "measures": "measures",
    "villages": "villages",
}
"""The stage that gives the rows of each table that users know; others join their columns."""

KEPT = {stage.name: stage.kept for stage in GRAPH.values() if stage.kept}
"""Files of other results that a saved plan keeps, so that its pages can be drawn from it alone."""


class Plan:
    """What :func:`pvplanner.plan_village` found: made when asked.

    Attributes
    ----------
    scenario : Scenario
        As run.
    buildings, planes : GeoDataFrame
    arrays, energy, households, villages, shares, demand, measures : DataFrame
        The tables of ``pvplanner.schema.TABLES``.
    findings : tuple of Finding
        What was wrong or doubtful in the input.
    assumptions : DataFrame
        A row per number that shaped the result: ``key``, ``value``, ``unit``, ``source``, ``year``,
        ``certainty``.
    modules : DataFrame
        Where every module lies.
    waterfall, doubt, ledger, collective, fairness, stresses, press, carbon_years, battery
        Tables of pages: losses step by step, where the doubt comes from, payments summed over
        households, the collective's own result, common prosperity, covers under stresses, what was
        said elsewhere, carbon by year, a shared battery.
    terms : Terms
        What the money stands on.
    place : Place
        Where the village lies.
    """

    def __init__(self, run: Runs) -> None:
        self._run = run
        self._views: dict[str, Any] = {}
        self._told: dict[str, Any] = {}

    @property
    def scenario(self) -> Scenario:
        """As run."""
        return self._run.scenario

    @property
    def ran(self) -> tuple[str, ...]:
        """Stages that were done for this plan."""
        return tuple(self._run.ran)

    @property
    def reused(self) -> tuple[str, ...]:
        """Stages whose result was found."""
        return tuple(self._run.reused)

    def result(self, stage: str) -> Any:
        """What a stage gave."""
        return self._run.table(stage)

    def content(self, stage: str) -> str:
        """Hash of what a stage gave."""
        return self._run.content(stage)

    def view(self, name: str) -> Any:
        """A table that users know: the rows of its stage with the columns that others join."""
        if name not in self._views:
            first, *others = self.needs_of(name)
            table = base = self._run.table(first)
            for other in others:
                joined = self._run.table(other)
                if joined is not base:
                    key = TABLES[name].key[0]
                    # A saved table holds the columns that were joined to it: those made anew count.
                    fresh = self._run.knows(first) and not self._run.knows(other)
                    over = GRAPH[other].over or fresh
                    table = _joined(table, joined, key, over=over)
            if name in ORDERED:
                table = _in_order(table, ORDERED[name], self._run.order(name))
            table = usual_texts(table)
            self._views[name] = table.set_index("array_id") if name == "energy" else table
        return self._views[name]

    @property
    def parts(self) -> dict[str, Plan]:
        """The plan of each village by its name, ``division code/village``."""
        if "parts" not in self._told:
            self._told["parts"] = {name: self._part(name) for name in self._run.parts}
        parts: dict[str, Plan] = self._told["parts"]
        return parts

    def _part(self, name: str) -> Plan:
        if not self._run.several:
            return self
        made = Plan(self._run.only(name))
        made._told |= {key: self._told[key] for key in ("versions", "inputs") if key in self._told}
        return made

    def public(self) -> Plan:
        """The plan as everybody may see it: see :mod:`pvplanner.plan.public`.

        The plan itself where its ledger and meters state nothing that is private.
        """
        if "public" not in self._told:
            self._told["public"] = self._made_public()
        made: Plan = self._told["public"]
        return made

    def _made_public(self) -> Plan:
        from pvplanner.plan.public import AGAIN, public_parts

        def make(name: str, results: dict[str, Any]) -> Run:
            run = self._run.parts[name]
            return Run(
                GRAPH, self.scenario, MemoryStore(), village=name, whole=run, own=AGAIN,
                given=results,
            )  # fmt: skip

        parts = public_parts(self, make)
        if parts is None:
            return self
        plan = Plan(self._run.with_parts(parts))
        kept = ("findings", "weather", "inputs", "versions")
        plan._told |= {key: self._told[key] for key in kept if key in self._told}
        plan._told |= {"findings": self.findings, "public": plan, "blurred": True}
        return plan

    def village(self, name: str) -> Plan:
        """The plan of one village, by its name or ``division code/name``.

        Raises
        ------
        InputError
            If there is no such village, or several of that name.
        """
        from pvplanner.errors import InputError, listed

        found = [key for key in self.parts if name in (key, key.partition("/")[2])]
        if len(found) != 1:
            names = listed(found or self.parts, 12)
            raise InputError("village_unknown", where="village", village=name, names=names)
        return self.parts[found[0]]

    def forget(self, name: str) -> None:
        """Let a table go; it is made again when it is asked for."""
        self._views.pop(name, None)
        self._run.forget(self.needs_of(name))

    def columns_of(self, name: str) -> list[str]:
        """Names of a table's columns, without making it where the store has them."""
        if name in self._views or self._run.given:
            table = self.view(name)
            index = [] if table.index.name is None else [table.index.name]
            return [*index, *map(str, table.columns)]
        names = [c for stage in self.needs_of(name) for c in self._run.columns(stage)]
        return list(dict.fromkeys(names))

    def needs_of(self, name: str) -> tuple[str, ...]:
        """The stages that a table that users know is joined from."""
        return (BASES[name], *(s.name for s in GRAPH.values() if s.joins == name))

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Every input feature, with what stands on it."""
        return self.view("buildings")

    @property
    def planes(self) -> gpd.GeoDataFrame:
        """Roof planes."""
        return self.view("planes")

    @property
    def shares(self) -> pd.DataFrame:
        """Which part of a building is whose."""
        return self.view("shares")

    @property
    def arrays(self) -> pd.DataFrame:
        """Groups of modules."""
        return self.view("arrays")

    @property
    def energy(self) -> pd.DataFrame:
        """Energy of arrays, indexed by ``array_id``."""
        return self.view("energy")

    @property
    def households(self) -> pd.DataFrame:
        """Households with energy, the chosen model's money, and carbon."""
        return self.view("households")

    @property
    def demand(self) -> pd.DataFrame:
        """Load, self-use and surplus of households."""
        return self.view("demand")

    @property
    def measures(self) -> pd.DataFrame:
        """Every household under every model that it may use, in every case."""
        return self.view("measures")

    @property
    def villages(self) -> pd.DataFrame:
        """Totals of each village."""
        return self.view("villages")

    @property
    def modules(self) -> pd.DataFrame:
        """Where every module lies."""
        return usual_texts(self._run.table("layout"))

    @property
    def terms(self) -> Terms:
        """What the money stands on."""
        return self._run.table("terms")

    @property
    def place(self) -> Place:
        """Where the village lies."""
        return self._run.table("place")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in KEPT:
            raise AttributeError(name)
        return usual_texts(self._run.table(name))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong or doubtful in the input."""
        if "findings" not in self._told:
            every = (*key_findings(self.scenario), *self._run.findings(FINDERS))
            self._told["findings"] = tuple(sorted(every, key=lambda f: not f.doubtful))
        found: tuple[Finding, ...] = self._told["findings"]
        return found

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Name and table, in the order in which they came about."""
        for name in TABLES:
            yield name, self.view(name)

    @property
    def synthetic(self) -> bool:
        """Whether the village itself is made up."""
        return self.scenario.site.synthetic

    @property
    def weather_facts(self) -> Any:
        """Where the weather is from, and how its sun was placed; a list where villages differ."""
        if "weather" not in self._told:
            told = [weather_facts(part.result("year")) for part in self.parts.values()]
            self._told["weather"] = alike(told)
        return self._told["weather"]

    def summary(self) -> dict[str, Any]:
        """Totals, findings, versions and input hashes, ready for JSON.

        The totals are the sums of the rows of ``villages``, which are sums of ``households``. Of
        several villages what differs (province, weather) is a list.
        """
        return {
            **summarise(self),
            "inputs": self._told.get("inputs") or self._inputs(),
            "versions": self._told.get("versions") or versions(),
        }

    @property
    def made_with(self) -> str:
        """Version of pvplanner that made the plan."""
        return str((self._told.get("versions") or versions())["pvplanner"])

    def _inputs(self) -> dict[str, dict[str, str]]:
        return {
            key: {"file": Path(path).name, "sha256": self._run.hashes.of(path)}
            for key, path in self.scenario.paths().items()
        }

    def notes(self) -> list[str]:
        """Words of what every page must say at its head."""
        found = {finding.code for finding in self.findings}
        return [
            key
            for key, applies in (
                ("grid_unchecked_note", not self.is_checked),
                ("synthetic_note", self.synthetic),
                ("public_note", bool(self._told.get("blurred"))),
                ("weather_synthetic_note", self._weather_made_up()),
                ("weather_far_note", "weather_far" in found),
                ("weather_hemisphere_note", "weather_hemisphere" in found),
            )
            if applies
        ]

    @property
    def is_checked(self) -> bool:
        """Whether the plan was held against a grid."""
        return any(bool(part.result("totals")["checked"].any()) for part in self.parts.values())

    def _weather_made_up(self) -> bool:
        facts = self.weather_facts
        every = facts if isinstance(facts, list) else [facts]
        return any(bool(one.get("synthetic")) for one in every)

    def case(self) -> tuple[pd.DataFrame, Case]:
        """Households by identifier as the money sees them, and the case as planned.

        Raises
        ------
        InputError
            If there are several villages: each has its own prices.
        """
        names = ("people", "holdings", "demand", "bills", "months", "curtailed", "terms")
        return case_of(*(self._run.table(name) for name in names))

    def three_totals(self) -> dict[str, float | bool]:
        """What fits, what may be connected now, what this phase and all phases build.

        ``fits_kwp``, ``fits_kw``, ``fits_households``, ``connectable_kw`` (nan: not checked),
        ``known_kw`` (of what fits, how much has a known limit), the same of ``phase_`` and
        ``plan_``, ``phase``, ``phases``, ``checked``.
        """
        from pvplanner.plan.listing import joint_totals

        return joint_totals([
            (part.result("totals"), part.result("transformers")) for part in self.parts.values()
        ])  # fmt: skip

    def transformer_hours(self) -> pd.DataFrame:
        """Hours of the first year at every node of the grid; no rows where none is known.

        Returns
        -------
        DataFrame
            ``transformer_id``, ``hour`` (0 to 8759, of the weather's clock), ``load_kw``,
            ``pv_kw``, ``cut_kw``, ``import_kw``, ``export_kw``: load + export = import + pv in
            every hour. Of a line or substation the sums of what stands below it.
        """
        import pandas as pd

        from pvplanner.grid import Feeders
        from pvplanner.plan.feeders import node_hours

        parts = [
            node_hours(part.result, part.scenario).table()
            for part in self.parts.values() if len(part.result("limits"))
        ]  # fmt: skip
        return pd.concat(parts, ignore_index=True) if parts else Feeders.none().table()

    def applications(self) -> pd.DataFrame:
        """The plants to be connected, a row per building, as the grid's engineer reads them; see
        :func:`pvplanner.plan.listing.application_rows`.
        """
        import pandas as pd

        from pvplanner.plan.listing import application_rows

        parts = [
            application_rows(
                part.buildings, part.arrays, part.shares, part.result("selection"),
                part.result("transformers"),
            )
            for part in self.parts.values()
        ]  # fmt: skip
        return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)

    def cash_flows(self, model: str | None = None) -> pd.DataFrame:
        """The ledger as a table, for the chosen business models or for one.

        Returns
        -------
        DataFrame
            ``household_id`` (empty where a payment is not a household's), ``model``, ``year``,
            ``party``, ``item``, ``yuan`` (received, or paid if negative).
        """
        import pandas as pd

        from pvplanner.money import cash_flows

        parts = [cash_flows(*part.case(), model) for part in self.parts.values()]
        return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)

    def payments(self, *, model: str | None = None, household: str | None = None) -> pd.DataFrame:
        """The ledger of a model or household: every payment twice, once for each party.

        Raises
        ------
        InputError
            If there is no such household.
        """
        from pvplanner.errors import InputError

        if household is not None and household not in set(self.households["household_id"]):
            raise InputError("household_unknown", where="payments", household=household)
        flows = self.cash_flows(model)
        return flows if household is None else flows[flows["household_id"] == household]

    def explain(self, household: str, figure: str = "income_first_year") -> pd.DataFrame:
        """How a household's figure comes about: quantity x rate = amount, with sources.

        Parameters
        ----------
        household : str
            Its identifier.
        figure : {'income_first_year', 'capital'}

        Returns
        -------
        DataFrame
            As from :func:`pvplanner.money.explain.explain_household`; amounts in money add up to
            the figure.

        Raises
        ------
        InputError
            If there is no such household.
        ConfigError
            If the figure is not explained.
        """
        import numpy as np

        from pvplanner.errors import InputError
        from pvplanner.money import chosen_rows
        from pvplanner.money.explain import explain_household

        for part in self.parts.values():
            people, case = part.case()
            at = np.flatnonzero(people["household_id"].astype(str).to_numpy() == household)
            if len(at):
                own = str(people["model"].iloc[at[0]])
                members = dict(chosen_rows(people, case.terms)).get(own, at)
                return explain_household(people, case, np.asarray(members), int(at[0]), figure)
        raise InputError("household_unknown", where="explain", household=household)

    def under(self, changes: Mapping[str, Any]) -> Plan:
        """Another plan under changed keys; it shares with this one all that did not change.

        Parameters
        ----------
        changes : mapping
            Dotted keys to values, such as ``{"finance.capex_per_w": 3.2}``.

        Raises
        ------
        ConfigError
            If a key is unknown or a value impossible.
        InputError
            If a changed key needs a file that is not there.
        """
        scenario = self.scenario.override(changes)
        known = self._run.given
        if known:
            # Of a saved plan what the changed keys touch is made again, the rest is as saved.
            touched = [
                stage.name
                for stage in GRAPH.values()
                if any(_differs(self.scenario, scenario, key) for key in stage.reads)
            ]
            below = GRAPH.below(touched)
            if "features" in below:
                known = {}
            known = {
                village: {name: table for name, table in given.items() if name not in below}
                for village, given in known.items()
            }
        else:
            self._run.keep_all()
        lists = self._run.lists if scenario.selection == self.scenario.selection else {}
        return Plan(Runs(GRAPH, scenario, self._run.store, given=known, orders=self._run.orders,
                         lists=lists))  # fmt: skip

    def with_list(self, listed: pd.DataFrame, programme: pd.DataFrame) -> Plan:
        """The same plan with only the households of a list built; see :meth:`select`."""
        self._run.keep_all()
        told = {"listed": listed, "programme": programme}
        given = {name: with_texts(table, "python") for name, table in told.items()}
        return Plan(Runs(GRAPH, self.scenario, self._run.store, lists=given))

    def select(self, **wishes: Any) -> Plan:
        """Another plan of the households that a budget and the grid allow; see
        :func:`pvplanner.select_households`.
        """
        import pvplanner

        return pvplanner.select_households(self, **wishes)

    def dossier(self, household_id: str | None = None) -> dict[str, Any]:
        """The dossier for green credit of a household, or of the collective; ready for JSON."""
        import pvplanner

        return pvplanner.make_dossier(self, household_id)

    def explore(self, **options: Any) -> Any:
        """The map as a ``folium.Map``, for a notebook: layers of one's own can be added."""
        import pvplanner

        return pvplanner.explore_map(self, **options)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the tables, ``summary.json`` and ``scenario.toml`` into a folder, all or nothing.

        Returns
        -------
        Path
            The folder.
        """
        from pvplanner.plan.folder import save_plan

        return save_plan(self, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Plan:
        """Read a saved plan back, from its tables alone.

        Raises
        ------
        InputError
            If the folder holds no whole plan.
        """
        from pvplanner.plan.saved import read_plan

        return read_plan(Path(folder))


FINDERS = ("features", "origins", "named", "families", "meters", "listed", "place", "year",
           "planes", "horizons", "nodes", "connections", "limits", "transformers", "totals",
           "voltage", "terms", "bills", "sanity", "balance", "villages", "investor", "standing",
           "battery_worth")  # fmt: skip
"""Stages that find something."""


def table_stages() -> tuple[str, ...]:
    """Stages that the tables that users know are joined from."""
    joined = (stage.name for stage in GRAPH.values() if stage.joins in BASES)
    return tuple(dict.fromkeys((*BASES.values(), *joined)))


def plan_village(
    scenario: Scenario,
    *,
    store: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Plan a village: footprints, roofs, modules, energy, income and carbon.

    Parameters
    ----------
    scenario : Scenario
        With ``site.buildings``.
    store : path-like, optional
        A folder in which results of stages are kept and found again; without it they stay in
        memory.
    progress : callable, optional
        Called with the name of each stage as it begins.

    Returns
    -------
    Plan
        What users look at first (buildings, households, villages) is made; the rest when asked.

    Raises
    ------
    InputError
        If an input file is not what it should be.
    ConfigError
        If the scenario asks for what is not possible or not allowed.
    """
    plan = open_plan(scenario, store=store, progress=progress)
    for name in ("buildings", "households", "villages"):
        plan.view(name)
    if store is not None:
        plan._run.hashes.save()
    return plan


def open_plan(
    scenario: Scenario,
    *,
    store: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """A plan of which nothing is made yet."""
    kept = MemoryStore() if store is None else FolderStore(Path(store))
    return Plan(Runs(GRAPH, scenario, kept, progress=progress))


ORDERED = {"buildings": "building_id", "households": "household_id"}
"""Tables that are shown in the order of the files that they come from."""


def _in_order(table: Any, key: str, wanted: list[str] | None) -> Any:
    """A table's rows in a given order; what is not named stays behind."""
    if wanted is None:
        return table
    import pandas as pd

    place = pd.Series(range(len(wanted)), index=pd.Index(wanted, dtype=object))
    at = table[key].astype(object).map(place).fillna(len(wanted)).to_numpy(dtype=float)
    if (at[1:] >= at[:-1]).all():
        return table
    return table.iloc[at.argsort(kind="stable")].reset_index(drop=True)


def _differs(one: Scenario, other: Scenario, key: str) -> bool:
    from pvplanner.plan.runner import value_of

    return bool(value_of(one, key) != value_of(other, key))


def _joined(table: Any, other: pd.DataFrame, key: str, *, over: bool = False) -> Any:
    """A table with the columns of another on the same key, whose order may differ."""
    own = [name for name in other.columns if name != key and (over or name not in table.columns)]
    if not (len(other) == len(table) and (other[key].array == table[key].array).all()):
        other = other.set_index(key).reindex(table[key]).reset_index()
    return table.assign(**{name: other[name].array for name in own})
