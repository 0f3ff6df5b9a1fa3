"""What of a scenario is possible and yet asked about: unusual values, keys without effect."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from pvplanner import reference
from pvplanner.errors import Finding
from pvplanner.reference.ranges import Range, in_currency, plain_unit, ranges, slipped

if TYPE_CHECKING:
    from pvplanner.scenario import Scenario

NEVER_FREE = ("finance.capex_per_w", "finance.life_years", "system.dc_ac_ratio")
"""Keys whose zero is asked about too; elsewhere nothing is what was meant."""

RULE_SPREAD = 6.0
"""A rule of usable area is usual within this factor of the packaged ones."""


def rule_range(rule: str) -> Range | None:
    """The usual range of a rule of usable area: about its packaged values; ``None`` of none."""
    row = next((r for r in reference.rows("usable_rules") if r["rule"] == rule), None)
    values = [float(row[level]) for level in ("low", "middle", "high")] if row else []
    known = [value for value in values if value > 0]
    if row is None or not known:
        return None
    most = max(known) * RULE_SPREAD
    if row["unit"] in ("share", "ratio"):
        most = min(most, 1.0)
    unit = {"share": "1", "ratio": "1"}.get(row["unit"], row["unit"])
    return Range(min(known) / RULE_SPREAD, most, unit, row["source"])


def key_findings(scenario: Scenario) -> list[Finding]:
    """Questions about values that are possible and unusual, and about keys that do nothing.

    Returns
    -------
    list of Finding
        ``key_implausible`` or ``key_slipped`` for each value outside its range of
        ``plausible.csv``, ``key_idle`` for each key that was changed and has no effect,
        ``event_idle`` for each event that neither costs nor stops anything.
    """
    out = [finding for key, value in stated(scenario) for finding in _asked(key, value, scenario)]
    return out + idle_keys(scenario) + _idle_events(scenario)


def stated(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """Keys that were stated, with their values; of lists of tables each row's."""
    yield from _flat("", scenario)


def _flat(path: str, model: Any) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        if name not in model.model_fields_set:
            continue
        value, key = getattr(model, name), f"{path}{name}"
        if hasattr(type(value), "model_fields"):
            yield from _flat(f"{key}.", value)
        elif isinstance(value, list) and value and hasattr(type(value[0]), "model_fields"):
            for row in value:
                yield from _flat(f"{key}.", row)
        else:
            yield key, value


def _asked(key: str, value: Any, scenario: Scenario) -> Iterator[Finding]:
    if key in RULES:
        told = [(one, RULES[key](rule)) for rule, one in value.items()]
    else:
        usual = usual_of(key, scenario)
        values = list(value.values()) if isinstance(value, dict) else value
        told = [(one, usual) for one in (values if isinstance(values, list) else [values])]
    for one, usual in told:
        number = isinstance(one, int | float) and not isinstance(one, bool)
        if usual is None or not number or usual.holds(one) or (one == 0 and key not in NEVER_FREE):
            continue
        yield question(key, float(one), usual, scenario.finance.currency)
        return


def installing_range(rule: str) -> Range | None:
    """What is usual of an installer's rule: about its packaged value."""
    row = next((row for row in reference.rows("installing") if row["rule"] == rule), None)
    if row is None:
        return None
    value = float(row["value"])
    return Range(value / RULE_SPREAD, value * RULE_SPREAD, row["unit"], row["source"])


RULES = {"roof.rules": rule_range, "installation.rules": installing_range}
"""Keys of which what is usual hangs on the rule."""


def usual_of(key: str, scenario: Scenario) -> Range | None:
    """The usual range of a key in this plan's currency; ``None`` where none is known."""
    if key == "finance.rent":
        key = f"{key}.{scenario.finance.rent_basis}"
    usual = ranges().get(key)
    if usual is None or "money" not in usual.unit:
        return usual
    return in_currency(usual, scenario.finance.currency)


def question(key: str, value: float, usual: Range, currency: str) -> Finding:
    """The question that an unusual value raises: with what may have been meant, where a slip of
    the unit leads there.
    """
    unit = plain_unit(usual.unit, currency)
    params = {
        "value": f"{value:g} {unit}".strip(), "low": f"{usual.low:g}",
        "high": f"{usual.high:g} {unit}".strip(), "source": usual.source,
    }  # fmt: skip
    found = slipped(value, usual)
    if found is None:
        return Finding("key_implausible", key, params=params)
    slip, meant = found
    params |= {"meant": f"{meant:g} {unit}".strip(), "slip": f"slip_{slip}"}
    return Finding("key_slipped", key, params=params)


@cache
def _idle() -> tuple[tuple[str, tuple[str, ...], str], ...]:
    path = resources.files("pvplanner.schema").joinpath("idle.csv")
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return tuple((row["key"], tuple(row["when"].split()), row["is"]) for row in rows)


def idle_keys(scenario: Scenario) -> list[Finding]:
    """Keys that differ from their default and do nothing in this plan: ``schema/idle.csv``."""
    usual = type(scenario)()
    out: dict[str, Finding] = {}
    for key, others, told in _idle():
        if key in out or _value(scenario, key) == _value(usual, key):
            continue
        if all(_is(_value(scenario, other), told) for other in others):
            shown = ", ".join(f"{other} = {_shown(_value(scenario, other))}" for other in others)
            code = "key_idle" if others else "key_gone"
            out[key] = Finding(code, key, params={"why": shown} if others else {})
    return list(out.values())


def _idle_events(scenario: Scenario) -> list[Finding]:
    out = []
    for event in scenario.finance.events:
        params = {"event": event.kind, "year": event.year, "life": scenario.finance.life_years}
        if event.year > scenario.finance.life_years:
            out.append(Finding("event_late", "finance.events", params=params))
        elif not (event.outage_months or event.cost_per_w or event.kind == "demolition"):
            out.append(Finding("event_idle", "finance.events", params=params))
    return out


def _is(value: Any, told: str) -> bool:
    """Whether a value is one of some texts; ``!`` before them: none of them."""
    text = "" if value is None else str(value)
    wanted = told.removeprefix("!").split() or [""]
    return (text in wanted) != told.startswith("!")


def _shown(value: Any) -> str:
    from pathlib import Path

    if value is None:
        return "-"
    return Path(value).name if isinstance(value, str) else f"{value}"


def _value(scenario: Scenario, key: str) -> Any:
    value: Any = scenario
    for name in key.split("."):
        value = getattr(value, name)
    return value
