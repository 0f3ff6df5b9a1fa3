"""A period in words, and as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pvplanner.errors import listed
from pvplanner.metering.against import summed, village_ratio
from pvplanner.metering.learning import Learned
from pvplanner.report.cells import word
from pvplanner.texts import plain_cell, visible
from pvplanner.tracking import Tracked
from pvplanner.words import in_units, label, shown


def lines_of(found: Tracked, language: str) -> list[str]:
    """What a period came to, line by line: sums, what lies below, what can't be true."""
    out = _of_meters(found, language) if len(found.roofs) else []
    out += _of_groups(found, language)
    counts = found.problems["kind"].value_counts()
    out += [
        label("track_problem", language).format(kind=label(f"reading_{k}", language), count=n)
        for k, n in counts.items()
    ]
    out += _of_settlement(found, language)
    if len(found.bills):
        told = f"{found.bills['fen'].sum() / 100:,.2f}"
        money = in_units("money", language, found.currency)
        out.append(label("track_bills", language).format(
            many=len(found.bills), sum=told, money=money
        ))  # fmt: skip
    return [*out, *(f.text(language) for f in found.findings if f.code.startswith(SAID))]


SAID = ("track_", "sheet_", "bank_")
"""Findings that are said on the screen; how files were read stands with the entry."""


def _of_meters(found: Tracked, language: str) -> list[str]:
    """Sums, and the roofs that lie low."""
    roofs = found.roofs
    known = summed(roofs)
    sums = {name: shown(known[f"{name}_kwh"].sum(), "energy_kwh", language, "whole")
            for name in ("measured", "expected")}  # fmt: skip
    ratio = village_ratio(roofs)
    out = [label("track_line", language).format(
        period=found.period, homes=len(known),
        ratio=f"{ratio:.1%}" if np.isfinite(ratio) else label("unknown", language), **sums
    )]  # fmt: skip
    begin = pd.Timestamp(found.days["day"].min()) if len(found.days) else None
    for row in roofs[roofs["cause"] != ""].sort_values("lost_kwh", ascending=False).itertuples():
        causes = [label(f"cause_{c}", language) for c in (row.cause, row.second_cause) if c]
        since = "" if pd.isna(row.since) else f"{row.since:%Y-%m-%d}"
        earlier = label("or_earlier", language) if row.since == begin else ""
        out.append(label("track_low", language).format(
            household=visible(row.household_id), causes=" / ".join(causes),
            lost=shown(row.lost_kwh, "energy_kwh", language), since=since + earlier,
            partner=visible(row.partner),
        ).strip())  # fmt: skip
    return out


def _of_groups(found: Tracked, language: str) -> list[str]:
    """Meters of many roofs together."""
    return [
        label("track_group", language).format(
            group=word(r.group_id, language), days=r.days_known, of=r.days,
            measured=shown(r.measured_kwh, "energy_kwh", language, "whole"),
            expected=shown(r.expected_kwh, "energy_kwh", language, "whole"),
            ratio=f"{r.ratio:.1%}" if r.days_known and r.ratio else label("unknown", language),
        )
        for r in found.groups.itertuples()
    ]  # fmt: skip


def _of_settlement(found: Tracked, language: str) -> list[str]:
    """Ours and the sheet's, differences by kind, and the bank."""
    settled = found.settled
    if settled is None:
        return []
    currency = in_units("money", language, settled.currency)

    def money(fen: float) -> str:
        return label("unknown", language) if np.isnan(fen) else f"{fen / 100:,.2f} {currency}"

    both = settled.accounts[settled.accounts["sheet_fen"].notna()]
    own = float(both["own_fen"].astype(float).sum(min_count=len(both)))
    paid = float(both["sheet_fen"].sum())
    off = settled.accounts["kinds"].ne("")
    lacked = settled.accounts[settled.accounts["kinds"].eq("missing")]
    out = [label("reckon_line_sheet", language).format(
        own=money(own), sheet=money(paid), off=money(paid - own), many=int(off.sum())
    )]  # fmt: skip
    kinds = settled.accounts.loc[off, "kinds"].str.split().explode().value_counts()
    out += [
        label("reckon_line_kind", language).format(kind=label(f"kind_{k}", language), many=n)
        for k, n in kinds.items()
    ]
    if len(lacked):
        out.append(label("reckon_line_missing", language).format(
            amount=money(float(lacked["own_fen"].astype(float).sum())),
            ids=listed(lacked["household_id"], 8),
        ))  # fmt: skip
    if settled.accounts["unchecked"].any():
        many = int(settled.accounts["unchecked"].sum())
        out.append(label("reckon_line_unchecked", language).format(many=many))
    out += [
        label("reckon_line_bank", language).format(
            came=money(r.came_fen), off=money(r.off_fen),
            late=visible(f"{r.late} {r.came_late}".strip()),
            why=label(f"receipt_{r.cause}", language),
        ).strip()
        for r in settled.receipts.itertuples()
    ]  # fmt: skip
    return out


def as_csv(found: Tracked, language: str) -> str:
    """The households of a period as CSV that a spreadsheet opens; texts are never formulas."""
    table = found.roofs.copy()
    for name in ("cause", "second_cause"):
        table[name] = [label(f"cause_{c}", language) if c else "" for c in table[name]]
    for name in ("household_id", "partner"):
        table[name] = [plain_cell(v) for v in table[name].astype(str)]
    heads = {name: label(f"tracked_{name}", language) for name in table.columns}
    return "\ufeff" + table.rename(columns=heads).to_csv(index=False, float_format="%.2f")


def learned_lines(found: Learned, changes: Mapping[str, object], language: str) -> list[str]:
    """What was learned, and the keys that would say so to a plan."""
    low, high = found.next_range
    out = [label("learned_line", language).format(
        months=found.months, homes=found.homes, measured=f"{found.measured:.1%}",
        level=f"{found.level:.1%}", low=f"{low:.1%}", high=f"{high:.1%}",
        before=f"{found.before_sigma:.1%}", after=f"{found.next_sigma:.1%}",
    )]  # fmt: skip
    return [*out, label("learned_offer", language), *(f"  {k} = {v}" for k, v in changes.items())]
