"""One plan, one figure: page, PDF, Word text, workbook, CSV and GeoPackage say the same."""

from __future__ import annotations

import csv
import html
import io
import re

import openpyxl
import pyogrio
import pytest

import pvplanner as pvp
from pvplanner.documents.signed import signed_pages
from pvplanner.plan.folder import save_tables
from pvplanner.report.cells import make_cell
from pvplanner.report.grid import three_totals
from pvplanner.report.tables import listed_households
from pvplanner.schema import column, shown_in
from pvplanner.words import label

FIGURES = [k for k in shown_in("paper", personal=True) if column(k).kind not in ("text", "flag")]
"""Columns of households that paper shows as numbers."""


@pytest.fixture(scope="module")
def owing(liao):
    return liao.under({"loan.share": 0.5, "loan.years": 10, "loan.rate": 0.04})


@pytest.fixture(scope="module")
def shown(owing):
    """What each household's figures look like, by its identifier."""
    homes, _ = listed_households(owing, "zh")
    return {
        str(row["household_id"]): [make_cell(k, row[k], "zh") for k in FIGURES]
        for row in homes.to_dict("records")
    }


def cells_of(told, as_number=float):
    """Values of one row as they are shown."""
    return [
        make_cell(
            k, float("nan") if v in (None, "", label("unknown", "zh")) else as_number(v), "zh"
        )
        for k, v in zip(FIGURES, told, strict=True)
    ]


def rows_of(table, heads, keys):
    """Rows by their first cell, with the columns of some keys."""
    at = [heads.index(key) for key in keys]
    return {str(row[0]): [row[n] for n in at] for row in table}


def test_households_are_the_same_on_page_and_paper(owing, shown, tmp_path):
    text = pvp.save_report(owing, tmp_path / "r.html", internal=True, language="zh").read_text(
        "utf-8"
    )
    table = re.search(r'<table data-table="households">.*?</table>', text, re.S).group()
    heads = [html.unescape(h) for h in re.findall(r"<th [^>]*>(.*?)</th>", table)]
    body = table.split("<tbody>")[1].split("</tbody>")[0]
    rows = [[html.unescape(c) for c in re.findall(r"<td[^>]*>(.*?)</td>", row)]
            for row in body.split("<tr>")[1:]]  # fmt: skip
    keys = [label(k, "zh", unit=True) for k in FIGURES]
    assert rows_of(rows, heads, keys) == shown
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    body = pvp.save_report(owing, tmp_path / "r.pdf", internal=True, language="zh").read_bytes()
    paper = "".join(
        re.sub(r"\s+", "", p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(body)).pages
    )
    for household, cells in shown.items():
        assert any(
            found.end() and paper[found.end() :].find("".join(cells)) in range(60)
            for found in re.finditer(re.escape(household), paper)
        ), household


def test_households_are_the_same_in_the_workbook(owing, shown, tmp_path):
    pytest.importorskip("xlsxwriter")
    target = pvp.save_report(owing, tmp_path / "r.xlsx", internal=True, language="zh")
    sheet = openpyxl.load_workbook(target, data_only=True)[label("sheet_households", "zh")]
    table = list(sheet.iter_rows(values_only=True))
    keys = [label(k, "zh", unit=True) for k in FIGURES]
    rows = rows_of(table[1:-1], list(table[0]), keys)
    assert {household: cells_of(told) for household, told in rows.items()} == shown


def test_households_are_the_same_in_tables_and_layers(owing, shown, tmp_path):
    folder = save_tables(owing, tmp_path / "t", internal=True)
    with (folder / "households.csv").open(encoding="utf-8-sig", newline="") as file:
        heads, *table = csv.reader(file)
    rows = rows_of(table, heads, FIGURES)
    assert {household: cells_of(rows[household]) for household in shown} == shown
    owing.save(tmp_path / "plan")
    layer = pyogrio.read_dataframe(tmp_path / "plan" / "plan.gpkg", layer="households")
    own = layer.set_index("household_id")
    for household, cells in shown.items():
        assert cells_of([own.loc[household, k] for k in FIGURES]) == cells


def test_signed_pages_are_the_same_as_text_and_on_paper(owing, tmp_path):
    docx = pytest.importorskip("docx")
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    told = signed_pages(owing, "zh", three_totals(owing, "zh")["rows"])
    file = docx.Document(str(pvp.save_report(owing, tmp_path / "m.docx", internal=True)))
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"
    text = re.sub(r"\s+", "", "".join(t.text or "" for t in file.element.body.iter(word)))
    body = pvp.save_report(owing, tmp_path / "r.pdf", internal=True).read_bytes()
    pages = pypdf.PdfReader(io.BytesIO(body)).pages[:2]
    paper = "".join(re.sub(r"\s+", "", p.extract_text()) for p in pages)
    said = [
        cell for key in ("years", "capital", "cases") for row in told[key]["rows"] for cell in row
    ]
    said += [cell for key in ("parties", "totals") for row in told[key] for cell in row]
    for one in (*said, told["debts"], *told["warnings"]):
        plain = re.sub(r"\s+", "", one)
        assert plain in text
        assert plain in paper
