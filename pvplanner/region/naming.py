"""Which columns of a file name a village, its code and a building."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from pvplanner.buildings.attributes import ALIASES
from pvplanner.errors import InputError, listed
from pvplanner.reading.columns import fold
from pvplanner.reading.values import one_spelling, plain_text
from pvplanner.region.config import Region
from pvplanner.region.headings import MORE


def alias_of(columns: Sequence[str], ours: str, given: dict[str, str]) -> str | None:
    """The column that holds what we call ``ours``: the stated one, else one of a known name."""
    stated = next((theirs for theirs, to in given.items() if to == ours), None)
    if stated in columns:
        return stated
    known = {fold(name) for name in (*ALIASES[ours], *MORE.get(ours, ()))}
    return next((c for c in columns if fold(str(c)) in known), None)


def columns_of(region: Region, columns: list[str], path: str) -> tuple[str | None, str | None]:
    """The columns that name a village and its code."""
    source = region.sources
    for given, key in ((source.village_column, "village_column"),
                       (source.division_column, "division_column")):  # fmt: skip
        if given is not None and given not in columns:
            known = listed(columns, 20)
            raise InputError("region_column", where=path, key=key, column=given, columns=known)
    return (
        source.village_column or alias_of(columns, "village", source.columns),
        source.division_column or alias_of(columns, "division_code", source.columns),
    )


def id_column(region: Region, columns: Sequence[str]) -> str | None:
    """The column of identifiers, where a ledger is to be told by them."""
    if not region.households:
        return None
    stated = next((a for a, to in region.sources.columns.items() if to == "building_id"), None)
    if stated in columns:
        return stated
    return next(
        (c for name in ALIASES["building_id"] for c in columns if fold(str(c)) == fold(name)), None
    )


def names_of(region: Region, frame: pd.DataFrame, path: str) -> dict[str, np.ndarray]:
    """``name``, ``code`` and ``id`` of each row as text, empty where not told."""
    village, code = columns_of(region, [str(c) for c in frame.columns], path)
    ids = id_column(region, [str(c) for c in frame.columns])

    return {
        ours: texts_of(None if name is None else frame[name], len(frame), written=ours == "name")
        for ours, name in (("name", village), ("code", code), ("id", ids))
    }


def texts_of(column: pd.Series | None, count: int, *, written: bool = False) -> np.ndarray:
    """A column as text under one spelling, empty where nothing is told: a code that a file holds
    as a number is its digits. Names that are shown stay as they are ``written``.
    """
    if column is None:
        return np.full(count, "", dtype=object)
    # Villages are few: each name is looked at, and held, once.
    which, known = pd.factorize(column)
    texts = one_spelling(pd.Series(known)).fillna("").to_numpy(dtype=object)
    if written:
        both = zip(known, texts, strict=True)
        texts = np.array(
            [own.strip() if isinstance(own, str) else text for own, text in both], dtype=object
        )
    return np.append(texts, "")[which]


class Called:
    """Villages by what people call them, however they spell it: in full or in half width.

    Parameters
    ----------
    keys : sequence of str
        ``code/name`` of each; the name alone where there is no code.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._full: dict[str, list[str]] = {}
        self._name: dict[str, list[str]] = {}
        self._code: dict[str, list[str]] = {}
        for key in keys:
            code, _, name = key.rpartition("/")
            for held, told in ((self._full, key), (self._name, name), (self._code, code)):
                if told:
                    held.setdefault(plain_text(told), []).append(key)

    def find(self, name: str, code: str = "") -> list[str]:
        """Keys of the villages that are meant: by code and name, else by the name or the code."""
        told, own = plain_text(name), plain_text(code)
        whole = self._full.get(f"{own}/{told}" if own else told)
        if whole:
            return whole
        # A code that is told is not passed over where villages have codes.
        alike = [key for key in self._name.get(told, []) if not (own and "/" in key)]
        return alike or ([] if own else self._code.get(told, []))
