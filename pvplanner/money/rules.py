"""Who may do what: dated rules by project class and business model, refused by name."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd


def all_models() -> tuple[str, ...]:
    """Business models, in the order in which they are shown."""
    return reference.business_models()


def is_allowed(model: str, project_class: str, on: dt.date) -> tuple[bool, str]:
    """Whether a class of project may use a business model on a connection date.

    Returns
    -------
    allowed : bool
    rule : str
        Word of the rule that says so; empty where no rule of that date speaks of it.
    """
    row = reference.row_in_force("rules", on, project_class=project_class, model=model)
    if row is None:
        return True, ""
    return row["allowed"] == "yes", f"rule_{row['rule']}"


def allowed_models(on: dt.date) -> dict[str, tuple[str, ...]]:
    """Business models that each class of project may use on a connection date."""
    kinds = reference.listed_in("rules", "project_class")
    return {kind: tuple(m for m in all_models() if is_allowed(m, kind, on)[0]) for kind in kinds}


def chosen_models(project_class: pd.Series, *, scenario: Scenario, where: str) -> pd.Series:
    """The business model of each project by its class.

    Raises
    ------
    ConfigError
        If the rules of the connection date do not allow a combination; names the rule.
    """
    finance, on = scenario.finance, scenario.tariff.connection_date
    by_class: dict[str, str] = {}
    for kind in project_class.unique():
        model = finance.model_by_class.get(kind, finance.model)
        allowed, rule = is_allowed(model, str(kind), on)
        if not allowed:
            lawful = [m for m in all_models() if is_allowed(m, str(kind), on)[0]]
            raise ConfigError(
                "rule_refuses",
                where=where,
                model=model,
                project_class=kind,
                rule=rule,
                count=int((project_class == kind).sum()),
                instead=lawful[0] if lawful else "",
            )
        by_class[str(kind)] = model
    return project_class.map(by_class).astype("str")
