"""Texts that an office goes on writing, and pictures: every figure a field, nobody named in what is
laid out, the same bytes for the same plan."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest
from villages import hamlet, village, write_village

import pvplanner as pvp
from pvplanner.documents import editable
from pvplanner.documents.household import household_pages
from pvplanner.documents.mark import Mark, find_mark
from pvplanner.documents.pictures import HEAD, with_text
from pvplanner.documents.signed import signed_pages
from pvplanner.documents.verifying import verify_document
from pvplanner.errors import ConfigError, InputError
from pvplanner.report.grid import three_totals
from pvplanner.report.posting import posting_rows
from pvplanner.words import label, shown, texts

docx = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def fields(path):
    """Content controls of a Word file: tag to text."""
    body = docx.Document(str(path)).element.body
    out = {}
    for field in body.iter(f"{W}sdt"):
        tag = field.find(f"{W}sdtPr/{W}tag").get(f"{W}val")
        assert tag not in out
        out[tag] = "".join(t.text or "" for t in field.iter(f"{W}t"))
    return out


def text_of(path):
    body = docx.Document(str(path)).element.body
    return "".join(t.text or "" for t in body.iter(f"{W}t"))


@pytest.fixture(scope="module")
def memo(liao, tmp_path_factory):
    return pvp.save_report(liao, tmp_path_factory.mktemp("memo") / "m.docx", internal=True)


def test_every_figure_of_the_signed_pages_is_a_field(liao, memo):
    told = signed_pages(liao, "zh", three_totals(liao, "zh")["rows"])
    held = fields(memo)
    for key in ("parties", "totals"):
        for n, (_, value) in enumerate(told[key], 1):
            assert held[f"{key}.{n}"] == value
    for key in ("years", "capital", "cases"):
        table = told[key]
        for down, row in enumerate(table["rows"], 1):
            for across, (one, cell) in enumerate(zip(table["columns"], row, strict=True), 1):
                assert (f"{key}.{down}.{across}" in held) == one["number"]
                if one["number"]:
                    assert held[f"{key}.{down}.{across}"] == cell
    whole = text_of(memo)
    for text in (*told["warnings"], told["debts"], *told["promises"], *told["refusals"]):
        assert text in whole
    assert told["warnings"]


def test_the_same_plan_gives_the_same_texts(liao, memo, tmp_path):
    liao.save(tmp_path / "plan")
    loaded = pvp.Plan.load(tmp_path / "plan")
    again = pvp.save_report(loaded, tmp_path / "m.docx", internal=True)
    assert again.read_bytes() == memo.read_bytes()
    with zipfile.ZipFile(memo) as held:
        assert {i.date_time for i in held.infolist()} == {editable.IN_ZIP}
    sheets = pvp.save_household_sheet(loaded, tmp_path / "h.docx", ["H001", "H002"])
    papers = pvp.save_meeting(loaded, tmp_path / "meeting.docx")
    for file in (memo, sheets, papers):
        assert verify_document(file, tmp_path / "plan").found == "same", file
    body = memo.read_bytes()
    changed = tmp_path / "c.docx"
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace("住户".encode(), "农户".encode()))
    assert verify_document(changed, tmp_path / "plan").found == "changed"


def test_a_text_is_dated_by_the_plan(liao, tmp_path):
    dated = liao.under({"documents.date": "2026-03-08"})
    told = docx.Document(str(pvp.save_report(dated, tmp_path / "m.docx"))).core_properties
    assert told.created.date().isoformat() == "2026-03-08"
    assert "2026年3月8日" in text_of(tmp_path / "m.docx")


def test_a_households_text_says_what_its_sheet_says(liao, tmp_path):
    told = household_pages(liao, "en", Mark("x", "0" * 64, {}, {}), ["H001", "H002"])["sheets"]
    target = pvp.save_household_sheet(liao, tmp_path / "h.docx", ["H001", "H002"], language="en")
    held = fields(target)
    for sheet in told:
        for key in ("bound", "money", "terms"):
            for n, (_, value) in enumerate(sheet[key], 1):
                assert held[f"{sheet['id']}.{key}.{n}"] == value
        for n, (_, said, _) in enumerate(sheet["steps"], 1):
            assert held[f"{sheet['id']}.steps.{n}.2"] == said
    with zipfile.ZipFile(target) as parts:
        pictures = [n for n in parts.namelist() if n.startswith("word/media/")]
    assert len(pictures) == 2


def test_texts_are_no_fields_and_no_markup(tmp_path):
    hostile = ["=1+1", "{{ x }}", "<w:p/>", "http://x.y/z", "a\x07b", "0012"]
    rows = "".join(f'h{n},B{n},"{name}"\n' for n, name in enumerate(hostile))
    (tmp_path / "l.csv").write_text("household_id,building_id,household_name\n" + rows, "utf-8")
    made = hamlet(len(hostile))
    made["building_id"] = [f"B{n}" for n in range(len(hostile))]
    path = write_village(tmp_path, made, 'households = "l.csv"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override({"name": "{% x %} <b>"}))
    whole = text_of(pvp.save_household_sheet(plan, tmp_path / "h.docx"))
    for name in (*hostile[:4], "ab", "0012", "{% x %} <b>"):
        assert name in whole, name
    with zipfile.ZipFile(tmp_path / "h.docx") as parts:
        assert b"hyperlink" not in parts.read("word/document.xml")
        assert b"fldSimple" not in parts.read("word/document.xml")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A collective's plan with a ledger of two hamlets."""
    folder = tmp_path_factory.mktemp("shared")
    rows = [f"H{n},B{n},{2000 + n},{'East' if n < 5 else 'West'},Name{n}" for n in range(1, 9)]
    scenario = village(folder, rows=rows, columns=",hamlet,household_name")
    return pvp.plan_village(scenario.override({"finance.model": "cooperative"}))


def test_a_meeting_has_its_resolution_its_list_and_its_answers(shared, tmp_path):
    target = pvp.save_meeting(shared, tmp_path / "m.docx", language="en")
    whole, held = text_of(target), fields(target)
    words = texts("en")
    order = [words["meeting_resolution"], words["posting_title"],
             f"{words['meeting_answers']} East", f"{words['meeting_answers']} West"]  # fmt: skip
    places = [whole.index(text) for text in order]
    assert places == sorted(places)
    assert words["decision_assembly_vote"] in whole
    for n, item in enumerate(("build", "capital_loans", "sharing", "duties"), 1):
        assert f"{n}. {words[f'meeting_item_{item}']}" in whole
    # It lies open: house numbers and nobody.
    assert "Name" not in whole
    rows, _ = posting_rows(shared)
    for n, amount in enumerate(rows["posting_amount"], 1):
        assert held[f"posting.{n}.5"] == shown(float(amount), "income_first_year", "en")
    asked = docx.Document(str(target)).tables[-1]
    ids = [row.cells[0].text for row in asked.rows][1:]
    homes = shared.households.set_index("household_id")
    assert ids == [h for h in homes.index if homes["hamlet"][h] == "West"]
    assert [cell.text for cell in asked.rows[1].cells][-3:] == ["", "", ""]


def test_without_a_collective_nothing_is_posted(liao, tmp_path):
    whole = text_of(pvp.save_meeting(liao, tmp_path / "m.docx"))
    assert label("posting_title", "zh") not in whole
    assert label("meeting_answers", "zh") in whole


def test_several_villages_meet_apart(tmp_path):
    both = hamlet(4)
    both["village"] = ["A", "A", "B", "B"]
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, both)))
    with pytest.raises(InputError) as told:
        pvp.save_meeting(plan, tmp_path / "m.docx")
    assert told.value.code == "villages_several"
    assert pvp.save_meeting(plan.village("B"), tmp_path / "m.docx").is_file()
    assert pvp.save_report(plan, tmp_path / "r.docx").is_file()


def test_without_python_docx_the_way_is_named(liao, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(ConfigError) as told:
        pvp.save_report(liao, tmp_path / "m.docx")
    assert told.value.code == "documents_missing"
    assert not (tmp_path / "m.docx").exists()


def test_pictures_are_pictures_and_carry_their_mark(liao, tmp_path):
    pytest.importorskip("typst")
    image = pytest.importorskip("PIL.Image")
    folder = pvp.save_pictures(liao, tmp_path / "p", language="en")
    assert {f.name for f in folder.iterdir()} == {"map.png", "months.png", "cash.png", "carbon.png"}
    liao.save(tmp_path / "plan")
    for file in folder.iterdir():
        with image.open(file) as held:
            held.load()
            assert held.width > 1000
            assert len(held.convert("RGB").getcolors(1 << 24)) > 20
        assert find_mark(file.read_bytes()).options["which"] == file.stem
        assert verify_document(file, tmp_path / "plan").found == "same"


def test_a_comment_stands_where_a_png_has_its_parts():
    body = b"\x89PNG\r\n\x1a\n" + b"h" * 25 + b"rest"
    told = with_text(body, "abc")
    assert told[:HEAD] == body[:HEAD]
    assert told.endswith(b"rest")
    part = told[HEAD:-4]
    assert int.from_bytes(part[:4], "big") == len(part) - 12 == len(b"Comment\0abc")
    assert int.from_bytes(part[-4:], "big") == zlib.crc32(part[4:-4])


@pytest.mark.long
def test_of_two_languages_one_follows_the_other(liao, tmp_path):
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    body = pvp.save_report(liao, tmp_path / "b.pdf", language="both").read_bytes()
    pages = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(body)).pages]
    heads = [
        n
        for n, text in enumerate(pages)
        if any(texts(c)["document_report_title"] in text.splitlines() for c in ("zh", "en"))
    ]
    alone = [len(pypdf.PdfReader(pvp.save_report(liao, tmp_path / f"{c}.pdf", language=c)).pages)
             for c in ("zh", "en")]  # fmt: skip
    assert len(pages) == sum(alone)
    assert heads == [0, alone[0]]
    with pytest.raises(ConfigError):
        pvp.save_report(liao, tmp_path / "b.html", language="both")


def test_every_document_has_its_command(liao, tmp_path):
    pytest.importorskip("typst")
    from typer.testing import CliRunner

    from pvplanner.cli import app

    liao.under({"loan.share": 0.5}).save(tmp_path / "plan")
    for told in (
        ["report", "-o", "b.pdf", "--language", "both"],
        ["report", "-o", "m.docx"],
        ["household", "--household", "H001", "-o", "h.docx"],
        ["meeting", "-o", "g.docx"],
        ["pictures", "-o", "pictures"],
        ["materials", "-o", "m.xlsx"],
        ["layouts", "--building", "LA0001", "-o", "l.dxf"],
        ["dossier", "--household", "H001", "-o", "d.pdf"],
    ):
        target = tmp_path / told[told.index("-o") + 1]
        told[told.index("-o") + 1] = str(target)
        done = CliRunner().invoke(app, [told[0], str(tmp_path / "plan"), *told[1:]])
        assert done.exit_code == 0, done.output
        assert target.exists()
        assert str(target) in done.output.replace("\n", "")
