"""The accountant's workbook: the plan's tables, and cash that follows a few cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.documents.book import Book, opened, whole
from pvplanner.documents.cash import Cash, write_cash
from pvplanner.documents.collective import Collective
from pvplanner.documents.living import living
from pvplanner.documents.mark import Mark
from pvplanner.documents.pooled import pooled
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.report.cells import word
from pvplanner.report.tables import assumption_table, listed_households
from pvplanner.schema import MEASURES, MONTHLY_ENERGY, PLANNED, column, is_summed, shown_in
from pvplanner.texts import visible
from pvplanner.words import describe, has_label, label, style, unit_of

LIVE_MOST = 5000
"""Of more households the cash is the village's, and one household's that is chosen."""

SUMMARY = ("modules", "capacity_kwp", "energy_kwh", "capital", "income_first_year", "avoided_t")


@dataclass(frozen=True)
class Carbon:
    """The sheet of a village's carbon: its name, how many years, what is avoided in all."""

    name: str
    years: int
    avoided: float


def make_workbook(plan: Plan, language: str, mark: Mark, *, internal: bool) -> bytes:
    """The workbook of a plan of one village or several.

    Raises
    ------
    ConfigError
        If XlsxWriter is not installed.
    """
    shown = plan if internal else plan.public()
    return opened(plan, mark, lambda raw: _write(Book(raw, shown, language, internal)))


def _write(book: Book) -> None:
    """All sheets, in the order in which one reads them."""
    parts = list(book.plan.parts.values())
    several = len(parts) > 1
    summary = book.sheet("summary")
    homes = _households(book)
    _months(book, parts)
    _models(book)
    _ledger(book, parts)
    numbered = [(part, n if several else None) for n, part in enumerate(parts)]
    cash = [_cash(book, part, n) for part, n in numbered]
    carbon = [_carbon(book, part, n) for part, n in numbered]
    _assumptions(book)
    book.findings()
    _dictionary(book)
    _summary(book, summary, homes, cash, carbon)


def _households(book: Book) -> dict[str, tuple[str, float]]:
    """Households with all that is shown of them; where each column's sum stands, and the sum."""
    sheet = book.sheet("households", wide=True)
    homes, _ = listed_households(book.plan, book.language)
    keys = [k for k in shown_in("households", personal=book.internal) if k in homes]
    kinds = [column(k).kind for k in keys]
    rows = [
        [word(v, book.language) if k == "model" else v if kind in ("text", "flag")
         else book.known(k, v) for k, kind, v in zip(keys, kinds, row, strict=True)]
        for row in homes[keys].itertuples(index=False)
    ]  # fmt: skip
    last = book.table(sheet, [book.head(k) for k in keys], rows, kinds,
                      sums=[is_summed(k) for k in keys])  # fmt: skip
    return {
        k: (f"'{sheet.get_name()}'!{book.at(last, at)}", whole(homes[k]))
        for at, k in enumerate(keys) if is_summed(k)
    }  # fmt: skip


def _months(book: Book, parts: Sequence[Plan]) -> None:
    """Energy by month of each village, as bars."""
    sheet = book.sheet("months")
    month = style(book.language)["month"].format
    sums = [part.energy[list(MONTHLY_ENERGY)].sum().to_numpy() for part in parts]
    rows = [[month(month=n + 1), *(float(one[n]) for one in sums)] for n in range(12)]
    unit = unit_of("energy_kwh_month", book.language)
    heads = [book.word("sheet_month"), *(f"{_village(part)} ({unit})" for part in parts)]
    last = book.table(sheet, heads, rows, ["text", *["energy"] * len(parts)],
                      sums=[False, *[True] * len(parts)])  # fmt: skip
    series = [(at + 1, heads[at + 1]) for at in range(len(parts))]
    book.bars(sheet, series, (1, 12), book.word("report_months"), last + 2)


def _models(book: Book) -> None:
    """Every household under every model that it may use, as planned."""
    sheet = book.sheet("models", wide=True)
    held = book.plan.measures
    own = held[held["case"] == PLANNED]
    order = {m: n for n, m in enumerate(all_models())}
    own = own.sort_values("model", key=lambda s: s.map(order), kind="stable")
    keys = ["household_id", "model", *MEASURES]
    rows = [
        [row[0], word(row[1], book.language),
         *(book.known(k, v) for k, v in zip(MEASURES, row[2:], strict=True))]
        for row in own[keys].itertuples(index=False)
    ]  # fmt: skip
    book.table(sheet, [book.head(k) for k in keys], rows, [column(k).kind for k in keys])


def _ledger(book: Book, parts: Sequence[Plan]) -> None:
    """Who pays whom what for what, a column a year, each row summed."""
    sheet = book.sheet("ledger", wide=True)
    keys = ["model", "item", "payer", "payee"]
    parted = []
    for part in parts:
        flows = part.result("ledger").groupby([*keys, "year"], sort=False)["yuan"]
        table = flows.sum(min_count=1).unstack("year")
        parted.append(table.reset_index().assign(village=_village(part)))
    every = pd.concat(parted, ignore_index=True)
    years = sorted(c for c in every.columns if isinstance(c, int | np.integer))
    named = (["village"] if len(parts) > 1 else []) + keys
    rows = [
        [*(word(row[k], book.language) for k in named),
         *(book.known("yuan", row[y]) for y in years)]
        for row in every.to_dict("records")
    ]  # fmt: skip
    first, sum_ = len(named), len(named) + len(years)
    head = book.word("sheet_year_n").format
    heads = [*(book.word(k) for k in named), *(head(year=y, currency=book.money) for y in years)]
    book.table(sheet, heads, rows, ["text"] * first + ["fen"] * len(years))
    book.heads(sheet, 0, [book.word("total")], sum_)
    for down, row in enumerate(rows, 1):
        book.total(sheet, down, sum_, book.span(down, first, down, sum_ - 1), row[first:], "fen")
    sheet.set_column(first, sum_, 13)
    sheet.print_area(0, 0, len(rows), sum_)


def _cash(book: Book, part: Plan, number: int | None) -> Cash:
    """Cash of a village's households, and of the collective where it owns."""
    homes, case = part.case()
    sheet, pool = book.sheet("cash", number, wide=True), pooled(homes, case)
    own = None if pool is None else (pool, book.sheet("collective", number, wide=True))
    return write_cash(book, sheet, living(homes, case), LIVE_MOST, own)


def _carbon(book: Book, part: Plan, number: int | None) -> Carbon:
    """What is avoided in each year: energy times factor, and the sum so far."""
    sheet = book.sheet("carbon", number)
    held = part.result("carbon_years")
    avoided = held["avoided_t"].to_numpy(float)
    factors = np.asarray(part.terms.carbon.by_year, dtype=float)
    heads = [book.word("year"), book.head("energy_kwh_month"), book.word("sheet_factor"),
             book.word("sheet_avoided"), book.word("sheet_so_far")]  # fmt: skip
    book.heads(sheet, 0, heads)
    so_far = np.cumsum(avoided)
    for n, (year, tonnes) in enumerate(zip(held["year"], avoided, strict=True), 1):
        book.cell(sheet, n, 0, int(year), "year")
        factor = float(factors[n - 1]) if n <= len(factors) else float("nan")
        if factor > 0:
            book.cell(sheet, n, 1, tonnes * 1000 / factor, "energy")
            book.cell(sheet, n, 2, factor, "factor", "input")
            book.formula(sheet, n, 3, f"=B{n + 1}*C{n + 1}/1000", tonnes, "tonnes")
        else:
            book.cell(sheet, n, 3, book.known("avoided_t", tonnes), "tonnes")
        where = f"D$2:D{n + 1}"
        told = f'=IF(COUNT({where})={n},SUM({where}),"{book.unknown}")'
        book.formula(sheet, n, 4, told, so_far[n - 1], "tonnes")
    sheet.set_column(0, 4, 18)
    sheet.freeze_panes(1, 1)
    sheet.print_area(0, 0, len(held), 4)
    if len(held):
        book.bars(sheet, [(3, heads[3])], (1, len(held)), book.word("report_carbon"), len(held) + 2)
    return Carbon(sheet.get_name(), len(held), float(avoided.sum()))


def _assumptions(book: Book) -> None:
    """Every number that shaped the plan, with its source."""
    sheet = book.sheet("assumptions", wide=True)
    made = assumption_table(book.plan, book.language)
    heads = [one.label for one in made["columns"]]
    book.table(sheet, heads, made["rows"], ["text"] * len(heads))


def _dictionary(book: Book) -> None:
    """What every column of the sheets means."""
    sheet = book.sheet("dictionary", wide=True)
    code = book.language
    keys = dict.fromkeys((*shown_in("households", personal=book.internal), *MEASURES))
    told = [key for key in keys if has_label(key, code)]
    rows = [[key, label(key, code), unit_of(key, code, book.currency), ""] for key in told]
    heads = [book.word(k) for k in ("sheet_key", "sheet_name", "unit", "sheet_means")]
    book.table(sheet, heads, rows, ["text"] * 4)
    book.prose(sheet, 3, [describe(key, code) for key in told], 90)


def _summary(
    book: Book, sheet: Any, homes: dict[str, tuple[str, float]], cash: Sequence[Cash],
    carbon: Sequence[Carbon],
) -> None:  # fmt: skip
    """Totals over the other sheets, and whether the cash is still the plan's."""
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 22)
    notes = [book.word(n) for n in book.plan.notes()]
    row = 0
    for text in (book.plan.scenario.name, *notes):
        sheet.write_string(row, 0, visible(text), book.format())
        row += 1

    def line(head: str, told: str, value: Any, kind: str) -> None:
        nonlocal row
        row += 1
        book.heads(sheet, row, [head])
        book.formula(sheet, row, 1, told, value, kind)

    for key in SUMMARY:
        if key in homes:
            line(book.head(key), f"={homes[key][0]}", homes[key][1], column(key).kind)
    for one in cash:
        name = f"'{one.name}'!"
        line(
            book.word("sheet_cash_first").format(currency=book.money),
            f"={name}{one.first}",
            one.first_value,
            "fen",
        )
        line(
            book.word("sheet_cash_npv").format(currency=book.money),
            f"={name}{one.npv}",
            one.npv_value,
            "fen",
        )
        line(book.word("sheet_check"), f"={name}{one.check}", one.check_value, "text")
        if one.collective is not None:
            _of_collective(book, one.collective, line)
    for made in carbon:
        if made.years:
            told = f"='{made.name}'!{book.at(made.years, 4)}"
            line(book.word("sheet_carbon_life"), told, made.avoided, "tonnes")
    sheet.print_area(0, 0, row, 1)


def _of_collective(
    book: Book, made: Collective, line: Callable[[str, str, Any, str], None]
) -> None:
    """What a collective's cash comes to."""
    for key, value, kind in made.results:
        title = book.word("sheet_collective_line").format(what=made.title(key))
        line(title, f"={made.cell(key)}", value, kind)


def _village(part: Plan) -> str:
    return str(part.villages["village"].iloc[0])
