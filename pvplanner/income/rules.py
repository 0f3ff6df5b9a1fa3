"""Who may do what: dated rules by project class and business model, refused by name."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.scenario import Scenario
from pvplanner.schema import MODELS


def is_allowed(model: str, project_class: str, on: dt.date) -> tuple[bool, str, str]:
    """Whether a class of project may use a business model on a connection date.

    Returns
    -------
    allowed : bool
    name_en, name_zh : str
        Of the rule that says so; empty where no rule of that date speaks of it.
    """
    table = reference.in_force(reference.load("rules"), on)
    hit = table[(table["project_class"] == project_class) & (table["model"] == model)]
    if hit.empty:
        return True, "", ""
    row = hit.iloc[0]
    return row["allowed"] == "yes", str(row["name_en"]), str(row["name_zh"])


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
        allowed, name_en, name_zh = is_allowed(model, str(kind), on)
        if not allowed:
            lawful = [m for m in MODELS if is_allowed(m, str(kind), on)[0]]
            raise ConfigError(
                "rule_refuses",
                where=where,
                model=model,
                project_class=kind,
                rule=name_en,
                rule_zh=name_zh,
                count=int((project_class == kind).sum()),
                instead=lawful[0] if lawful else "",
            )
        by_class[str(kind)] = model
    return project_class.map(by_class).astype("string")
