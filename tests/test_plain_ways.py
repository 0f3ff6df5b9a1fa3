"""Short ways give what the long ones give: texts, numbers, suns."""

from __future__ import annotations

import re
import threading
import time
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from villages import village

import pvplanner as pvp
from pvplanner.buildings.ledger import _TIDY
from pvplanner.plan.tables import from_bytes, settle, to_bytes
from pvplanner.reading.times import _TIDY as TIDY_TIME
from pvplanner.reading.times import _spelled
from pvplanner.reading.values import (
    all_like,
    any_holds,
    plain_text,
    read_number,
    read_numbers,
)
from pvplanner.storage import plain_texts, usual_texts, with_texts
from pvplanner.texts import visible
from pvplanner.weather.frame import hourly_index, solar_position, zeniths

SIGNS = st.text(st.sampled_from("0123456789.,eE+- \n\u00a0\u4e07a\uff17"), max_size=6)
CELLS = st.lists(st.one_of(st.none(), SIGNS), max_size=6)
FORMS = (r"\d{1,3}", r"\d+(?:\.\d*)?", r"[a-z]+(?: [a-z]+)*", r"\d*")


@given(CELLS, st.sampled_from(FORMS))
def test_a_column_is_of_one_form_as_its_cells_are(cells, form):
    column = pd.Series(cells, dtype="str")
    each = all(re.fullmatch(form, cell) for cell in cells if cell is not None)
    # An end of line is of no form.
    assert all_like(column, form) == each


@given(CELLS)
def test_a_column_holds_a_sign_as_its_cells_do(cells):
    sign = re.compile(r"e\+?\d|\.\.")
    found = any(sign.search(cell) for cell in cells if cell is not None)
    assert any_holds(pd.Series(cells, dtype=object), sign) == found


@given(st.lists(st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{0,9})?(e[+-]?[0-9])?", fullmatch=True),
                min_size=1, max_size=5))  # fmt: skip
def test_plain_numbers_are_read_to_the_last_digit(texts):
    told = read_numbers(pd.Series([*texts, None], dtype="str"), "energy", 2.0)
    assert told.iloc[:-1].tolist() == [2.0 * read_number(text) for text in texts]
    assert np.isnan(told.iloc[-1])


@given(st.text(max_size=20))
def test_what_is_printable_is_shown_as_anything_else(text):
    spaced = "".join(
        " " if c.isspace() else c for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )  # fmt: skip
    assert visible(text) == " ".join(spaced.split())


@pytest.mark.parametrize("minutes", [-60, -45, 0, 30, 75, 90, 12.5, 105])
def test_suns_are_pvlibs_at_every_minute(minutes):
    index = hourly_index(8.0)[:500]
    here = (29.72, 121.28, 40.0)
    sun = solar_position(index + pd.Timedelta(minutes=minutes), *here)
    assert zeniths(index, minutes, here).tolist() == sun["zenith"].tolist()


def test_texts_are_held_in_one_way_within_and_as_the_caller_has_them_outside():
    usual = pd.Series([""], dtype="str").dtype

    @plain_texts
    def made():
        return settle(pd.DataFrame({"id": ["a", None], "n": [1.0, 2.0]}))

    table = made()
    assert table["id"].dtype.storage == "python"
    assert pd.Series([""], dtype="str").dtype == usual
    back = usual_texts(table)
    assert back["id"].dtype == usual
    assert back.columns.dtype == usual
    assert back["id"].isna().tolist() == [False, True]
    # What another holds otherwise joins it as text.
    both = pd.concat([back, pd.DataFrame({"id": ["b"], "n": [3.0]})], ignore_index=True)
    assert both["id"].dtype == usual
    assert with_texts(1, "python") == 1


def test_every_second_row_is_numbered_anew():
    table = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0]}).iloc[::2]
    assert settle(table).index.tolist() == [0, 1]


def test_threads_that_plan_at_once_leave_the_callers_setting():
    usual, inside, out = pd.get_option("mode.string_storage"), threading.Barrier(2), []

    @plain_texts
    def made(first):
        inside.wait()
        if not first:
            time.sleep(0.05)
        out.append(pd.Series(["a"]).dtype.storage)

    # The first to come goes while the second is within.
    both = [threading.Thread(target=made, args=(first,)) for first in (True, False)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert out == ["python", "python"]
    assert pd.get_option("mode.string_storage") == usual


@given(st.from_regex(_TIDY, fullmatch=True))
def test_a_tidy_text_is_left_as_it_is(text):
    assert plain_text(text) == text


@given(st.from_regex(TIDY_TIME, fullmatch=True))
def test_a_tidy_time_needs_no_other_spelling(text):
    assert _spelled(text) == text.replace("T", " ")


def test_hours_with_a_gap_have_their_own_suns():
    index = hourly_index(8.0)[[0, 1, 2, 30, 31]]
    sun = solar_position(index + pd.Timedelta(minutes=30), 29.72, 121.28, 40.0)
    assert zeniths(index, 30, (29.72, 121.28, 40.0)).tolist() == sun["zenith"].tolist()


@pytest.mark.parametrize("storage", ["python", "pyarrow"])
def test_the_same_table_gives_the_same_bytes_however_it_holds_texts(storage):
    plain = pd.DataFrame({"id": ["a", "\u4e59", None], "n": [1.0, np.nan, 3.0]})
    body = to_bytes(with_texts(plain, storage))
    assert body == to_bytes(plain)
    assert from_bytes(body)["id"].isna().tolist() == [False, False, True]


def test_a_plan_is_the_same_whatever_the_callers_pandas_holds(tmp_path):
    scenario, bodies = village(tmp_path), []
    for storage in ("python", "pyarrow"):
        with pd.option_context("mode.string_storage", storage):
            plan = pvp.plan_village(scenario)
            kind = pd.Series([""], dtype="str").dtype
            assert plan.buildings["building_id"].dtype == kind
            assert plan.waterfall.columns.dtype == kind
            bodies.append({name: to_bytes(table.reset_index()) for name, table in plan.tables()})
    assert bodies[0] == bodies[1]
