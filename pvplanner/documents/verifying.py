"""Whether a document is what a plan gives: it is made again and compared byte by byte."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pvplanner.documents.makers import MAKERS, make_document
from pvplanner.documents.mark import find_mark, plan_hash, versions_of
from pvplanner.errors import InputError
from pvplanner.plan import Plan

SAME, OTHER_PLAN, CHANGED, NOT_HERE = "same", "other_plan", "changed", "not_here"
"""What can be found: the plan's own; another plan's; of this plan but changed; made by other
versions, so that it can't be made again here."""


@dataclass(frozen=True)
class Verdict:
    """What a look at a document found.

    Attributes
    ----------
    found : str
        One of :data:`SAME`, :data:`OTHER_PLAN`, :data:`CHANGED`, :data:`NOT_HERE`.
    stated, plan : str
        Hash of the plan that the document states, and of the plan it is held against.
    versions : str
        Of what made it, where they are not those here.
    """

    found: str
    stated: str
    plan: str
    versions: str = ""


def _part_of(plan: Plan, stated: str) -> Plan | None:
    """The village of a plan that a document of one village alone is of."""
    if len(plan.parts) == 1:
        return None
    return next((part for part in plan.parts.values() if plan_hash(part) == stated), None)


def verify_document(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Verdict:
    """Make a document again from a plan's saved tables, and compare its bytes.

    Parameters
    ----------
    path : path-like
        The document.
    folder : path-like
        Of the saved plan; nothing is reckoned.

    Raises
    ------
    InputError
        If the file is missing or carries no mark of a document, or the folder holds no plan.
    """
    file = Path(path)
    try:
        body = file.read_bytes()
    except OSError:
        raise InputError("file_missing", where=str(file)) from None
    mark = find_mark(body)
    if mark is None:
        raise InputError("document_unmarked", where=str(file))
    if mark.kind not in MAKERS:
        raise InputError("document_of_entries", where=str(file), stated=mark.plan[:16])
    whole = Plan.load(folder)
    own = plan_hash(whole)
    here = versions_of(file.suffix.lower().removeprefix("."))
    plan = whole if mark.plan == own else _part_of(whole, mark.plan)
    if plan is None:
        return Verdict(OTHER_PLAN, mark.plan, own)
    made_with = plan.made_with
    if dict(mark.versions) != here or made_with != here["pvplanner"]:
        told = ", ".join(f"{name} {version}" for name, version in sorted(mark.versions.items()))
        return Verdict(NOT_HERE, mark.plan, own, told)
    return Verdict(SAME if make_document(plan, mark) == body else CHANGED, mark.plan, own)
