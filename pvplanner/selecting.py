"""A list chosen into a plan's folder: the list, what was found beside it, the meeting's papers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pvplanner.errors import Finding
from pvplanner.plan.choosing import selection_of
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.plan.plan import Plan, open_plan
from pvplanner.plan.store import FOLDER
from pvplanner.scenario import Scenario
from pvplanner.selection.meeting import (
    Meeting,
    answers,
    changes,
    lawful,
    posting_list,
    read_meeting,
)
from pvplanner.selection.reading import FACTS, LIST, as_csv
from pvplanner.words import reason_of

BEFORE, PAPERS = "selection_before.csv", "meeting"
"""The list that stood there before, and the folder of the meeting's papers."""


@dataclass(frozen=True)
class Selected:
    """What was chosen.

    Attributes
    ----------
    scenario : Scenario
        With the list as its file.
    selection : DataFrame
    moved : DataFrame
        Households whose phase is another than on the list that stood there.
    findings : tuple of Finding
        Of the meeting.
    """

    scenario: Scenario
    selection: pd.DataFrame
    moved: pd.DataFrame
    findings: tuple[Finding, ...]


def choose_into(
    scenario: Scenario,
    folder: str | os.PathLike[str],
    progress: Callable[[str], None] | None = None,
) -> Selected:
    """Choose by ``[selection]`` and write the list into a folder.

    A list that stood there is kept beside the new one, with who moved and why.
    """
    target = Path(folder).resolve()
    choice = scenario.selection
    meeting = read_meeting(choice.meeting) if choice.meeting else Meeting()
    wishes = {
        f"selection.{name}": [*getattr(choice, name), *meeting.wishes(name)]
        for name in ("must", "never")
    }
    asked = scenario.override({**wishes, "selection.file": None, "selection.facts": None})
    plan = open_plan(asked, store=target / FOLDER, progress=progress)
    found, facts = selection_of(plan)
    province = next(iter(plan.parts.values())).place.province
    told = lawful(meeting, province, Path(choice.meeting or "").name)
    moved = _write(target, plan, found, facts, meeting)
    kept = scenario.override(
        {"selection.file": str(target / LIST), "selection.facts": str(target / FACTS)}
    )
    return Selected(kept, found, moved, tuple(told))


GRID = "grid"
"""Folder of what the grid company is handed."""


def write_grid(plan: Plan, folder: str | os.PathLike[str]) -> Path:
    """The batch of applications, the transformers as they stand after it, and the ways out, as CSV.

    Returns
    -------
    Path
        The folder.
    """
    target = Path(folder) / GRID
    target.mkdir(parents=True, exist_ok=True)
    write_bytes_beside(target / "applications.csv", as_csv(plan.applications()))
    for name in ("transformers", "ways"):
        held = plan.result(name)
        numbers = {k: held[k].round(2) for k in held.select_dtypes("number").columns}
        write_bytes_beside(target / f"{name}.csv", as_csv(held.assign(**numbers)))
    return target


def _write(
    target: Path, plan: Plan, found: pd.DataFrame, facts: pd.DataFrame, meeting: Meeting
) -> pd.DataFrame:
    """The list and its papers, each beside and renamed; who moved since the list before."""
    target.mkdir(parents=True, exist_ok=True)
    old = _read(target / LIST)
    moved = changes(old, found, meeting) if old is not None else changes(found, found, meeting)
    if old is not None and len(moved):
        write_bytes_beside(target / BEFORE, (target / LIST).read_bytes())
    write_bytes_beside(target / LIST, as_csv(found))
    write_bytes_beside(target / FACTS, as_csv(facts))
    papers = target / PAPERS
    papers.mkdir(exist_ok=True)
    homes = _homes(plan)
    language = plan.scenario.language
    reasons = [
        reason_of(
            str(row.limits).split(), 0 if pd.isna(row.phase) else int(row.phase), language,
            public=True,
        )
        for row in found.itertuples()
    ]  # fmt: skip
    shown = answers(homes, found, reasons, meeting.objection)
    told = {"posting": posting_list(homes, found), "answers": shown}
    told |= {} if old is None else {"changes": moved}
    for name, table in told.items():
        write_bytes_beside(papers / f"{name}.csv", as_csv(table, language))
    return moved


def _homes(plan: Plan) -> pd.DataFrame:
    """Households with their hamlet, that of their building where the ledger names none."""
    homes = plan.households[["household_id", "hamlet", "capacity_kwp"]]
    if "hamlet" not in plan.buildings:
        return homes
    place = plan.buildings.set_index("building_id")["hamlet"]
    own = plan.shares["building_id"].map(place).groupby(plan.shares["household_id"]).first()
    known = homes["hamlet"].astype(object)
    return homes.assign(hamlet=known.where(known.notna(), homes["household_id"].map(own)))


def _read(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    return pd.read_csv(path, dtype={"household_id": "string"}, encoding="utf-8-sig")
