"""What the page is given of grid and choice: totals, phases, reasons, transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import LANGUAGES
from pvplanner.mapping.pack import Packer
from pvplanner.plan import Plan
from pvplanner.projection import to_degrees
from pvplanner.words import reason_of


def three_totals(plan: Plan) -> list[tuple[float, float, float]]:
    """kWp, kW AC and households of what fits, may be connected, this phase and all phases."""
    sums = plan.three_totals()
    nan = float("nan")
    rows = [tuple(float(sums[f"{name}_{part}"]) for part in ("kwp", "kw", "households"))
            for name in ("fits", "phase", "plan")]  # fmt: skip
    may = (nan, float(sums["connectable_kw"]) if plan.is_checked else nan, nan)
    return [rows[0], may, *rows[1:]]  # type: ignore[list-item]


def phases_of(plan: Plan) -> dict[str, int] | None:
    """Number of phases and which one is this; nothing where nobody chose."""
    held = plan.result("totals")
    if plan.result("selection").empty or held["phases"].isna().all():
        return None
    return {"count": int(held["phases"].max()), "now": int(held["phase"].max())}


def hangs_on(plan: Plan) -> list[list[Any]]:
    """What becomes of the list when one thing is otherwise: what, and four counts."""
    facts = plan.result("programme")
    held = facts[facts["kind"] == "hangs_on"]
    names = ("entered", "left", "moved", "households")
    return [
        [
            str(varied),
            *(known_number(own.set_index("measure")["value"].get(n, np.nan)) for n in names),
        ]
        for varied, own in held.groupby("name", sort=False)
    ]


def pack_reasons(
    packer: Packer, plan: Plan, frame: pd.DataFrame, internal: bool
) -> dict[str, list[str]]:
    """Why each roof has its phase: the sentence's place in a list for each language."""
    chosen = plan.result("selection")
    if chosen.empty:
        return {}
    own = chosen.set_index(chosen["household_id"].astype(str))
    told = plan.shares.assign(
        limits=plan.shares["household_id"].astype(str).map(own["limits"]),
        phase=plan.shares["household_id"].astype(str).map(own["phase"]),
    )
    first = told.sort_values("phase", kind="stable").groupby("building_id").first()
    pairs = [
        (str(codes), 0 if pd.isna(phase) else int(phase)) if isinstance(codes, str) else ("", -1)
        for codes, phase in first.reindex(frame["building_id"])[["limits", "phase"]].itertuples(
            index=False
        )
    ]  # fmt: skip
    kinds = list(dict.fromkeys(pairs))
    place = {pair: n for n, pair in enumerate(kinds)}
    packer.numbers("roofs", "why", np.array([place[p] for p in pairs], dtype=float))
    return {
        code: ["" if phase < 0 else reason_of(codes.split(), phase, code, public=not internal)
               for codes, phase in kinds]
        for code in LANGUAGES
    }  # fmt: skip


def transformers_of(plan: Plan, internal: bool, shift: Any) -> list[dict[str, Any]]:
    """Transformers with a place: name, degrees, colours, and what is open and planned."""
    out: list[dict[str, Any]] = []
    for part in plan.parts.values():
        held = part.result("transformers")
        if held.empty:
            continue
        placed = held[held["x"].notna() & (held["own_fits_kw"] > 0)]
        lon, lat = to_degrees(part.buildings.crs).transform(
            placed["x"].to_numpy(dtype=float), placed["y"].to_numpy(dtype=float)
        )
        points = np.column_stack([lon, lat])
        if shift is not None and len(points):
            points = shift(points)
        names = ("kva", "limit_kw", "own_fits_kw", "own_planned_kw")
        for (x, y), row in zip(points, placed.to_dict("records"), strict=True):
            told = {name: known_number(row[name]) for name in names}
            out.append({"id": str(row["transformer_id"]), "at": [float(x), float(y)],
                        "now": row["colour"], "after": row["colour_after"], **told})  # fmt: skip
    return out


def known_number(value: Any) -> float | None:
    """A number as JSON has it: nothing where it is not known."""
    return float(value) if np.isfinite(value) else None
