"""What the village's meeting said of a list: objections, changes with reasons, the resolution.

It is a text file that people write (TOML) and that stands in the plan's folder; lists for posting
and answers are made from it and from the list.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, ValidationError

from pvplanner import reference
from pvplanner.errors import ConfigError, Finding, listed
from pvplanner.scenario.frozen import Frozen
from pvplanner.scenario.refusals import config_error
from pvplanner.texts import decode_text

LEAST_SHARE = 2 / 3
"""Of all members, present and in favour: Rural Collective Economic Organisations Law art. 26-28."""


class Posting(Frozen):
    """``[posting]``: when the list hung out."""

    begun: dt.date
    days: Annotated[int, Field(ge=0, le=365)]


class Objection(Frozen):
    """``[[objection]]``: what a household said, and what it was answered."""

    household: str
    date: dt.date
    text: str
    answer: str = ""


class Change(Frozen):
    """``[[change]]``: a household that the meeting put on the list, or took off it."""

    household: str
    wish: Literal["must", "never"]
    reason: str
    date: dt.date


class Resolution(Frozen):
    """``[resolution]``: the vote."""

    date: dt.date
    members: Annotated[int, Field(ge=1)]
    present: Annotated[int, Field(ge=0)]
    in_favour: Annotated[int, Field(ge=0)]
    against: Annotated[int, Field(ge=0)] = 0


class Meeting(Frozen):
    """All of a meeting's file; every part may be missing."""

    posting: Posting | None = None
    objection: list[Objection] = Field(default_factory=list)
    change: list[Change] = Field(default_factory=list)
    resolution: Resolution | None = None

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise config_error(error, type(self)) from None

    def wishes(self, wish: str) -> list[str]:
        """Households of which the latest change says so."""
        last = {c.household: c.wish for c in sorted(self.change, key=lambda c: c.date)}
        return [name for name, own in last.items() if own == wish]


def read_meeting(path: str | Path) -> Meeting:
    """Read what a meeting said.

    Raises
    ------
    ConfigError
        If the file is missing, is no TOML, or says what can't be.
    """
    file = Path(path)
    try:
        data = tomllib.loads(decode_text(file.read_bytes())[0])
    except FileNotFoundError:
        raise ConfigError("file_missing", where=str(file)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, OSError) as error:
        raise ConfigError("scenario_not_toml", where=str(file), reason=str(error)) from None
    try:
        return Meeting(**data)
    except ConfigError as error:
        where = f"{file} [{error.where}]"
        raise ConfigError(error.code, where=where, **error.params) from None


def lawful(meeting: Meeting, province: str | None, where: str) -> list[Finding]:
    """What of a meeting does not bind: the posting too short, too few present or in favour."""
    out: list[Finding] = []
    days = [float(row["days"]) for row in reference.rows("decisions")
            if row["step"] == "plan_posted" and row["days"]
            and row["province"] in ("", province)]  # fmt: skip
    least = max(days, default=0.0)
    if meeting.posting is not None and meeting.posting.days < least:
        told: dict[str, object] = {"days": meeting.posting.days, "least": round(least)}
        out.append(Finding("meeting_posting", where, params=told))
    vote = meeting.resolution
    if vote is not None:
        if vote.in_favour + vote.against > vote.present or vote.present > vote.members:
            votes = vote.in_favour + vote.against
            raise ConfigError("meeting_votes", where=f"{where} [resolution]", votes=votes,
                              present=vote.present, members=vote.members)  # fmt: skip
        for code, count in (("meeting_present", vote.present), ("meeting_favour", vote.in_favour)):
            if count < LEAST_SHARE * vote.members - 1e-9:
                told = {"count": count, "members": vote.members}
                out.append(Finding(code, where, params=told))
    open_ = [o.household for o in meeting.objection if not o.answer]
    if open_:
        out.append(Finding("meeting_unanswered", where, len(open_), {"ids": listed(open_)}))
    return out


def posting_list(homes: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """The list to be posted: house numbers and phases, no names; by hamlet.

    Parameters
    ----------
    homes : DataFrame
        ``household_id``, ``hamlet``, ``capacity_kwp``.
    selection : DataFrame
        As from :func:`pvplanner.select_households`.
    """
    own = selection.merge(homes, on="household_id", how="left")
    own = own[own["phase"].notna()]
    out = own.sort_values(["phase", "hamlet", "household_id"], kind="stable")
    out = out.assign(capacity_kwp=out["capacity_kwp"].round(2))
    return out[["phase", "hamlet", "household_id", "capacity_kwp"]].reset_index(drop=True)


def answers(
    homes: pd.DataFrame, selection: pd.DataFrame, reasons: Sequence[str],
    objections: Sequence[Objection],
) -> pd.DataFrame:  # fmt: skip
    """An answer for every house: which phase and why, and what its objection was answered.

    ``reasons`` are in words that the public may read, on the rows of ``selection``.
    """
    said = {o.household: o for o in objections}
    own = selection.assign(reason=list(reasons)).merge(homes, on="household_id", how="left")
    own = own.sort_values(["hamlet", "household_id"], kind="stable")
    names = own["household_id"].astype(str)
    return pd.DataFrame(
        {
            "hamlet": own["hamlet"].to_numpy(),
            "household_id": names.to_numpy(),
            "phase": own["phase"].to_numpy(),
            "reason": own["reason"].to_numpy(),
            "objection": [said[n].text if n in said else "" for n in names],
            "answer": [said[n].answer if n in said else "" for n in names],
        }
    )


def changes(
    before: pd.DataFrame, after: pd.DataFrame, meeting: Meeting
) -> pd.DataFrame:  # fmt: skip
    """Who moved since the list before, with the meeting's reason and date where it has one."""
    old = before.set_index(before["household_id"].astype(str))["phase"]
    new = after.set_index(after["household_id"].astype(str))["phase"]
    names = [n for n in new.index if not _same(old.get(n), new[n])]
    told = {c.household: c for c in sorted(meeting.change, key=lambda c: c.date)}
    return pd.DataFrame(
        {
            "household_id": names,
            "phase_before": [old.get(n) for n in names],
            "phase": [new[n] for n in names],
            "wish": [told[n].wish if n in told else "" for n in names],
            "reason": [told[n].reason if n in told else "" for n in names],
            "date": [told[n].date.isoformat() if n in told else "" for n in names],
        }
    ).astype({"phase_before": float, "phase": float})


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (pd.isna(one) and pd.isna(other))
