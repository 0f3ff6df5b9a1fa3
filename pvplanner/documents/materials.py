"""The installer's workbook: materials by house and in sum, strings, and the rules behind them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from pvplanner import reference
from pvplanner.documents.book import Book, opened, unknown
from pvplanner.documents.installer import (
    ARRAYS,
    MATERIALS,
    SUMMED,
    Checked,
    array_rows,
    material_rows,
    runs_text,
    sizes_text,
    strings_text,
)
from pvplanner.documents.mark import Mark
from pvplanner.errors import InputError
from pvplanner.plan import Plan
from pvplanner.words import in_units, label, number, source


def make_materials(plan: Plan, language: str, mark: Mark) -> bytes:
    """The installer's workbook.

    Raises
    ------
    InputError
        If no building carries modules.
    """
    if plan.arrays.empty:
        raise InputError("filing_none", where="modules")
    return opened(plan, mark, lambda raw: _write(Book(raw, plan, language, True)))


def _write(book: Book) -> None:
    parts = list(book.plan.parts.values())
    arrays = [array_rows(part) for part in parts]
    made = [material_rows(part, own) for part, own in zip(parts, arrays, strict=True)]
    materials = pd.concat(made, ignore_index=True)
    _materials(book, materials)
    _inverters(book, materials)
    _arrays(book, pd.concat(arrays, ignore_index=True))
    _basis(book, parts, materials)


def _heads(book: Book, keys: dict[str, str]) -> list[str]:
    return [book.word(f"installer_{key}") for key in keys]


def _materials(book: Book, rows: pd.DataFrame) -> None:
    sheet = book.sheet("materials", wide=True)
    told = [
        [_cell(book, k, v) for k, v in zip(MATERIALS, row, strict=True)]
        for row in rows.itertuples(index=False)
    ]  # fmt: skip
    book.table(sheet, _heads(book, MATERIALS), told, list(MATERIALS.values()),
               sums=[key in SUMMED for key in MATERIALS])  # fmt: skip


def _cell(book: Book, key: str, value: Any) -> Any:
    if key == "inverters":
        return sizes_text(value, book.language)
    lost = key in SUMMED and unknown(value)
    return book.word("installer_unchecked") if lost else value


def _inverters(book: Book, rows: pd.DataFrame) -> None:
    """Inverters of all houses by their size."""
    sheet = book.sheet("inverters")
    every: Counter[float] = sum(rows["inverters"], Counter())
    told = [[float(size), count] for size, count in sorted(every.items())]
    heads = [book.word("installer_size_kw"), book.word("installer_count")]
    book.table(sheet, heads, told, ["number", "count"], sums=[False, True])


def _arrays(book: Book, rows: pd.DataFrame) -> None:
    sheet = book.sheet("strings", wide=True)
    told = [
        [r.building_id, r.array_id, r.surface_tilt, r.surface_azimuth, r.modules,
         runs_text(r.runs), book.word(f"installer_way_{r.lying}"),
         strings_text(r.strings, book.language),
         _cell(book, "strings", r.cold_v), _cell(book, "strings", r.hot_v)]
        for r in rows.itertuples()
    ]  # fmt: skip
    book.table(sheet, _heads(book, ARRAYS), told, list(ARRAYS.values()))


def _basis(book: Book, parts: list[Plan], materials: pd.DataFrame) -> None:
    """What strings were held against, and the rules of rails and cables with their sources."""
    sheet = book.sheet("installing", wide=True)
    code = book.language
    product = book.plan.terms.product
    rows = [[book.word("installer_module"), product.name, "", source(product.source, code)]]
    for part in parts:
        rows += _held(Checked.of(part), code)
    rows += _so_far(materials, code)
    stated = book.plan.scenario.installation.rules
    for row in reference.rows("installing"):
        mine = row["rule"] in stated
        value = stated[row["rule"]] if mine else float(row["value"])
        told = label("scenario", code) if mine else source(row["source"], code)
        unit = "" if row["unit"] == "1" else in_units(row["unit"], code, book.currency)
        rows.append([book.word(f"rule_{row['rule']}"), f"{value:g}", unit, told])
    heads = [book.word(k) for k in ("sheet_name", "installer_value", "unit", "source")]
    book.table(sheet, heads, rows, ["text"] * 4)
    book.prose(sheet, 3, [row[3] for row in rows], 80)


def _so_far(materials: pd.DataFrame, language: str) -> list[list[str]]:
    """What is checked of strings and cable, where not all is."""
    known = materials[materials["strings"].notna()]
    if known.empty or len(known) == len(materials):
        return []
    said = label("installer_so_far_of", language).format(
        count=len(known), strings=number(float(known["strings"].sum()), "0", language),
        cable=number(float(known["cable_m"].sum()), "0", language),
        rest=len(materials) - len(known),
    )  # fmt: skip
    return [[label("installer_so_far", language), said, "", ""]]


def _held(checked: Checked, language: str) -> list[list[str]]:
    def row(key: str, value: float, unit: str, told: str) -> list[str]:
        said = in_units(unit, language, "")
        return [label(f"installer_{key}", language), number(value, "1", language), said, told]

    year = label("installer_of_year", language)
    lost = label("installer_unchecked", language)
    cold = year if checked.trusted else label("installer_state_coldest", language)
    rows = [row("cold", checked.cold, "degC", cold), row("hot", checked.hot, "degC", year)]
    if checked.module is None:
        rows.append([label("installer_voltages", language), lost, "",
                     label("installer_state_module", language)])  # fmt: skip
    else:
        told = source(checked.module.source, language)
        rows += [row("cold_voc", checked.module.voc_v, "V", told),
                 row("hot_vmp", checked.module.vmp_v, "V", told)]  # fmt: skip
    if checked.inverter is None:
        rows.append([label("installer_window", language), lost, "",
                     label("installer_state_inverter", language)])  # fmt: skip
    else:
        one, told = checked.inverter, source(checked.inverter.source, language)
        rows += [row("most_v", one.most_v, "V", told), row("low_v", one.low_v, "V", told),
                 row("high_v", one.high_v, "V", told)]  # fmt: skip
    if checked.lengths is not None:
        fewest, most = checked.lengths
        rows.append([label("installer_lengths", language), f"{fewest}-{most}", "",
                     label("installer_lengths_rule", language)])  # fmt: skip
    return rows
