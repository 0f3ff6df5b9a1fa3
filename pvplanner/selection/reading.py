"""A list of chosen households, as a file has it and as it is written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pvplanner.errors import ConfigError, Finding, InputError, listed
from pvplanner.reading import map_columns, mapped_findings, one_spelling, read_numbers, read_table
from pvplanner.reading.columns import knows
from pvplanner.reading.values import plain_text
from pvplanner.texts import plain_cell
from pvplanner.words import label

ALIASES: dict[str, tuple[str, ...]] = {
    "household_id": ("household_id", "户号", "户编号", "家庭编号", "门牌号", "household"),
    "model": ("model", "模式", "商业模式"),
    "phase": ("phase", "期次", "批次", "期"),
    "reason": ("reason", "理由", "原因"),
    "limits": ("limits", "限制"),
}
COLUMNS = tuple(ALIASES)

LIST, FACTS = "selection.csv", "selection_facts.csv"
"""Files of a chosen list in a plan's folder: itself, and what was found beside it."""


def no_list() -> pd.DataFrame:
    """The list of a plan in which nobody has chosen: everything that fits is built."""
    texts = {name: pd.Series(dtype="string") for name in COLUMNS if name != "phase"}
    return pd.DataFrame({**texts, "phase": pd.Series(dtype=float)})[list(COLUMNS)]


def read_selection(
    path: str | Path, known: set[str], models: tuple[str, ...]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a list of households: ``household_id`` and what is known of ``model``, ``phase``,
    ``reason``, ``limits``. Without a column of phases every household on it is of the first.

    Parameters
    ----------
    path : path-like
        CSV or XLSX.
    known : set of str
        Households of the ledger.
    models : tuple of str
        Business models.

    Raises
    ------
    InputError
        If a household comes twice, a phase or model is impossible, or none is known.
    """
    file = Path(path)
    read = read_table(file, knows(ALIASES))
    mapped = map_columns(list(read.rows.columns), ALIASES, where=str(file))
    if "household_id" not in mapped.used:
        raise InputError("ledger_columns", where=str(file), missing="household_id",
                         columns=listed(read.rows.columns, 30))  # fmt: skip
    none = pd.Series(pd.NA, index=read.rows.index, dtype="string")
    out = pd.DataFrame(
        {name: read.rows[mapped.used[name]].astype("string") if name in mapped.used else none
         for name in ALIASES}
    )  # fmt: skip
    out["household_id"] = one_spelling(out["household_id"])
    out = out[out["household_id"].notna()]
    twice = out["household_id"].duplicated()
    if twice.any():
        where = f"{file}, row {int(out.index[twice][0])}, household_id"
        raise InputError("grid_id_twice", where=where, ids=listed(out["household_id"][twice]))
    told = out["phase"].map(plain_text, na_action="ignore").astype("string")
    told = told.mask(told.isin(["", "-", "0"]))
    phase = read_numbers(told)
    bad = told.notna() & ~((phase >= 1) & (phase <= 99) & (phase % 1 == 0))
    if bad.any():
        where = f"{file}, row {int(out.index[bad][0])}, phase"
        raise InputError("grid_value", where=where, value=str(told[bad].iloc[0]), low="1",
                         high="99")  # fmt: skip
    out["phase"] = phase if "phase" in mapped.used else 1.0
    out["model"] = out["model"].mask(out["model"].eq(""))
    odd = out["model"].notna() & ~out["model"].isin(models)
    if odd.any():
        where = f"{file}, row {int(out.index[odd][0])}, model"
        raise InputError("grid_name", where=where, value=str(out["model"][odd].iloc[0]),
                         known=", ".join(models))  # fmt: skip
    lost = out[~out["household_id"].isin(known)]
    if len(lost) == len(out):
        raise ConfigError("selection_strangers", where=str(file), ids=listed(lost["household_id"]))
    findings = [*read.findings, *mapped_findings(mapped, file.name)]
    if len(lost):
        told_of = {"ids": listed(lost["household_id"])}
        findings.append(Finding("selection_unknown", file.name, len(lost), told_of))
    return out[list(COLUMNS)].reset_index(drop=True), findings


def as_csv(table: pd.DataFrame, language: str = "") -> bytes:
    """A table as CSV that a spreadsheet opens: with a mark of its encoding, whole phases, and no
    text that would be a formula; of a language with its own headings.
    """
    out = table.copy()
    for name in out.columns:
        if name in ("phase", "phases", "phase_before"):
            out[name] = out[name].astype("Int64")
        elif not pd.api.types.is_numeric_dtype(out[name]):
            out[name] = out[name].map(lambda v: plain_cell(str(v)), na_action="ignore")
    if language:
        out.columns = pd.Index([label(name, language) for name in out.columns])
    return b"\xef\xbb\xbf" + out.to_csv(index=False, lineterminator="\n").encode("utf-8")
