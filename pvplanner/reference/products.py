"""Module products: the packaged catalogue, and pvlib's copy of the CEC list by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pvplanner import reference

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Product:
    """A module: its name, power (W), length and width (m), and where the figures are from.

    ``gamma_pdc_per_k`` is the temperature coefficient of its power, 1/K.
    """

    name: str
    power_w: float
    length_m: float
    width_m: float
    gamma_pdc_per_k: float
    technology: str
    source: str
    certainty: str

    @property
    def area_m2(self) -> float:
        """Area of the module, m2."""
        return self.length_m * self.width_m


@cache
def find_module(name: str) -> Product:
    """A product of the packaged catalogue or, by pvlib's name, of the CEC list.

    Raises
    ------
    ValueError
        If neither knows it, or the CEC list has no size for it; the message names near ones.
    """
    packaged = {row["product"]: row for row in reference.rows("modules")}
    if name in packaged:
        row = packaged[name]
        sides = float(row["length_m"]), float(row["width_m"])
        return Product(
            name, float(row["power_w"]), *sides, float(row["gamma_pdc_per_k"]),
            row["technology"], row["source"], row["certainty"],
        )  # fmt: skip
    return _from_cec(name, list(packaged))


def _from_cec(name: str, known: list[str]) -> Product:
    import numpy as np
    import pandas as pd

    listed = _cec()
    if name not in listed.columns:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
        near = near or difflib.get_close_matches(name, list(listed.columns), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"unknown module {name!r}{hint}; known: {', '.join(known)}, and pvlib's CEC list"
        )
    row = listed[name]
    length, width = (
        float(pd.to_numeric(row[side], errors="coerce")) for side in ("Length", "Width")
    )
    if not (np.isfinite([length, width]).all() and min(length, width) > 0.2):
        raise ValueError(f"the CEC list states no length and width for {name!r}")
    return Product(
        name, float(row["STC"]), max(length, width), min(length, width),
        float(row["gamma_r"]) / 100, str(row["Technology"]), cec_source(row), "two",
    )  # fmt: skip


def cec_row(name: str) -> pd.Series | None:
    """A module's row of the CEC list by pvlib's name; ``None`` where it has none."""
    listed = _cec()
    return listed[name] if name in listed.columns else None


def cec_source(row: pd.Series) -> str:
    """Where a row of the list is from."""
    return f"CEC list in pvlib ({row['Version']})"


@cache
def _cec() -> pd.DataFrame:
    import pvlib

    return pvlib.pvsystem.retrieve_sam("CECMod")
