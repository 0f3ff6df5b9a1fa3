"""Measures of the map: their class limits and colours, houses and halls apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pvplanner.mapping.classes import MOST, class_limits, doubt_of, hall_rows, least_width
from pvplanner.schema import MONTHLY_ENERGY, column, shown_in
from pvplanner.words import rule_of

DIGITS = {"count": 0, "shared": 1, "energy": 0, "yield": 0, "power": 2, "money": 2, "years": 1,
          "share": 3, "rate": 3, "tonnes": 3, "area": 1, "length": 1, "angle": 1, "number": 2,
          "factor": 4, "price": 4}  # fmt: skip
"""Digits that a kind of figure is packed with."""

COLOURS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983")
"""Viridis from light to dark: even in lightness, told apart with any colour vision; dark is always
the better end.
"""

KIND_COLOURS = ("#e69f00", "#0072b2", "#009e73")
APART = ("#8c510a", "#d8b365", "#f6e8c3", "#ffffff", "#c7eae5", "#5ab4ac", "#01665e")
"""Brown to teal (ColorBrewer): less to more, told apart with any colour vision."""

HALL_COLOURS = ("#fdd49e", "#ef6548", "#7f0000")
"""Of halls: a ramp of its own, so that no hall is read on the scale of the houses."""


def roof_columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Texts and numbers of roofs that the page shows and the plan has."""
    wanted = dict.fromkeys((*shown_in("card"), *shown_in("measure"), *shown_in("roof")))
    names = [key for key in wanted if key != "energy_kwh_month" and key in frame]
    texts_ = [key for key in names if column(key).kind == "text"]
    numbers = [key for key in names if column(key).kind != "text"]
    return texts_, [*numbers, *(key for key in MONTHLY_ENERGY if key in frame)]


def measure(frame: pd.DataFrame, key: str, own_doubt: float = 0.0) -> dict[str, Any] | None:
    """A measure with its class limits; ``None`` where the plan does not know it.

    Houses and halls have a scale each; ``breaks`` are those of the houses, or of the halls where
    there is nothing else.
    """
    if key not in frame:
        return None
    built = frame[(frame["modules"] > 0) & frame[key].notna()]
    shared = _measure(key, own_doubt)
    if built.empty:
        # What never pays back is known too, where income is.
        never = key == "payback_years" and _income_known(frame)
        return {**no_measure(), **shared} if never else None
    values = built[key].to_numpy(dtype=float)
    if shared["better"] == "kinds":
        kinds = sorted({int(v) for v in values})
        few = len(kinds) <= len(KIND_COLOURS)
        at = np.linspace(0, len(COLOURS) - 1, len(kinds)).round().astype(int)
        return {**shared, "breaks": kinds[1:], "kinds": kinds,
                "colours": list(KIND_COLOURS[: len(kinds)]) if few
                else [COLOURS[k] for k in at[::-1]]}  # fmt: skip
    halls = hall_rows(built)
    scales = {
        "houses": scale(values[~halls], shared, COLOURS, MOST),
        "halls": scale(values[halls], shared, HALL_COLOURS, 3),
    }
    first: dict[str, Any] = scales["houses"] or scales["halls"] or {}
    return {**shared, **first, **scales}


def _income_known(frame: pd.DataFrame) -> bool:
    built = frame[frame["modules"] > 0]
    return "income_first_year" in built and bool(built["income_first_year"].notna().any())


def scale(
    values: np.ndarray, shared: dict[str, Any], colours: tuple[str, ...], most: int
) -> dict[str, Any] | None:
    """Limits between some values and their colours, dark at the better end."""
    if len(values) == 0:
        return None
    least = least_width(values, shared["doubt"], shared["shown"])
    breaks = class_limits(values, least, most)
    count = len(breaks) + 1
    last = len(colours) - 1
    at = [int(np.floor((k * last / (count - 1) if count > 1 else last / 2) + 0.5))
          for k in range(count)]  # fmt: skip
    chosen = [colours[k] for k in at]
    return {"breaks": breaks, "colours": chosen[::-1] if shared["better"] == "less" else chosen}


def _measure(key: str, own_doubt: float) -> dict[str, Any]:
    told = column(key)
    digits = DIGITS[told.kind] if told.kind not in ("money", "energy") else 0
    doubt = doubt_of(key, own_doubt)
    return {"key": key, "better": told.better, "digits": digits, "doubt": doubt,
            "shown": shown_step(rule_of(told.kind) or "0")}  # fmt: skip


def shown_step(rule: str) -> float:
    """The last step that a rule of showing numbers keeps; of significant digits a hundredth of
    the value is the class's doubt, so 0 here.
    """
    share = rule.startswith("p")
    bare = rule[1:] if share else rule
    if bare.startswith("s"):
        return 0.0
    step = float(bare[1:]) if bare.startswith("t") else 1.0 if bare.startswith("u") else (
        10.0 ** -int(bare)
    )  # fmt: skip
    return step / 100 if share else step


def no_measure() -> dict[str, Any]:
    """A village without any module still has a map."""
    return {**_measure("energy_kwh", 0.0), "breaks": [], "colours": [],
            "houses": {"breaks": [], "colours": [COLOURS[2]]}, "halls": None}  # fmt: skip
