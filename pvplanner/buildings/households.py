"""Households and their join to buildings, many to many.

A household may own several buildings and a building may house several households (brothers under
one roof). ``shares`` says which part of a building is whose; per building it sums to 1, and energy
and money follow it.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import one_spelling, plain_text

_WEAK_SEPARATORS = r"[,/+&和及]|\s+"
"""Signs that part building ids, if what they part is known."""

_TOLERANCE = 0.005


def join_households(
    building_ids: pd.Series,
    households: pd.DataFrame | None = None,
    links: pd.DataFrame | None = None,
    *,
    where: str = "households",
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Share every building among its households; one without a household is its own.

    Parameters
    ----------
    building_ids : Series of str
        Every building of the village.
    households, links : DataFrame, optional
        As from :func:`read_households`.

    Returns
    -------
    households : DataFrame
        Ledger households, then one per building without any (``own_building`` is true).
    shares : DataFrame
        ``building_id``, ``household_id``, ``share``; sums to 1 for each building.
    findings : list of Finding
        Rows that found no partner.

    Raises
    ------
    InputError
        If stated shares of a building do not sum to 1, or a household is linked to it twice.
    """
    if households is None or links is None:
        return *_own(building_ids, None), []
    building_ids = one_spelling(building_ids).set_axis(building_ids.index)
    links, findings = meant_links(links, building_ids, where)
    known = links["building_id"].isin(building_ids)
    if len(links) and not known.any():
        raise InputError(
            "ledger_matches_none",
            where=where,
            ledger=listed(links["building_id"].drop_duplicates(), 3),
            footprints=listed(building_ids, 3),
        )
    if not known.all():
        lost = sorted(set(links.loc[~known, "building_id"]))
        findings.append(Finding("ledger_buildings_unmatched", where, len(lost), _ids(lost)))
    links = links[known]
    twice = links.duplicated(["building_id", "household_id"])
    if twice.any():
        row = links[twice].iloc[0]
        raise InputError(
            "ledger_twice", where=_place(where, row), household=row["household_id"],
            building=row["building_id"],
        )  # fmt: skip
    shares = _shares(links, where)
    homeless = sorted(set(households["household_id"]) - set(links["household_id"]))
    if homeless:
        findings.append(
            Finding("ledger_households_unmatched", where, len(homeless), _ids(homeless))
        )
    alone = building_ids[~building_ids.isin(links["building_id"])]
    if len(alone):
        findings.append(Finding("buildings_without_household", where, len(alone), _ids(alone)))
    own, own_shares = _own(alone, set(households["household_id"]))
    every = pd.concat([households.assign(own_building=False), own], ignore_index=True)
    return every, pd.concat([shares, own_shares], ignore_index=True), findings


def _place(where: str, link: pd.Series) -> str:
    """File and row of a link, where that is known."""
    row = link.get("row")
    return where if row is None or pd.isna(row) else f"{where}, row {int(row)}"


def meant_links(
    links: pd.DataFrame, building_ids: pd.Series, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Links whose building is spelled otherwise in the footprints, under that spelling.

    ``2,3`` is two buildings if both are known; ``7`` is ``007`` and ``a1`` is ``A-1`` where no
    other building is meant by it: that is said.
    """
    ids = set(building_ids)
    told = links["building_id"]
    unknown = ~told.isin(ids)
    if not unknown.any():
        return links, []
    out = links.copy()
    out["building_id"] = [
        _parted(one, ids) if odd else one for one, odd in zip(told, unknown, strict=True)
    ]
    out = out.explode("building_id", ignore_index=True)
    unknown = ~out["building_id"].isin(ids)
    # Where not one is spelled alike, letters of another case may be another village's.
    root = _root if not unknown.all() else _strict_root
    by_root = pd.Series(list(ids), dtype="object")
    by_root = by_root.groupby(by_root.map(root)).agg(["first", "size"])
    taken = set(out.loc[~unknown, "building_id"])
    pairs: dict[str, str] = {}
    for one in out.loc[unknown, "building_id"].unique():
        own = root(one)
        if own in by_root.index and by_root.at[own, "size"] == 1:
            meant = by_root.at[own, "first"]
            if meant not in taken:
                pairs[one] = meant
    # Two spellings of the ledger for one building would be a guess.
    pairs = {k: v for k, v in pairs.items() if list(pairs.values()).count(v) == 1}
    if not pairs:
        return out, []
    out["building_id"] = out["building_id"].replace(pairs)
    shown = listed([f"{k} = {v}" for k, v in pairs.items()], 10)
    return out, [Finding("ids_taken_for", where, len(pairs), {"ids": shown})]


def _parted(text: str, ids: set[str]) -> list[str]:
    """The buildings that one cell names, if all are known; else the cell as it is."""
    parts = [p for p in re.split(_WEAK_SEPARATORS, plain_text(text)) if p]
    return parts if len(parts) > 1 and all(p in ids for p in parts) else [text]


def _strict_root(text: str) -> str:
    """An identifier without dashes, blanks and leading zeros."""
    plain = re.sub(r"[\s_.\-#号栋幢]+", "", plain_text(text))
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def _root(text: str) -> str:
    """As :func:`_strict_root`, and without case."""
    return _strict_root(text).casefold()


def _ids(ids: object) -> dict[str, str]:
    return {"ids": listed(ids, 10)}  # type: ignore[arg-type]


def _own(building_ids: pd.Series, taken: set[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"{b} (own)" if taken and b in taken else str(b) for b in building_ids]
    count = len(ids)
    unstated = pd.Series([pd.NA] * count, dtype="string")
    households = pd.DataFrame(
        {
            "household_id": pd.Series(ids, dtype="string"),
            "household_name": unstated,
            "consumption_kwh": np.full(count, np.nan),
            "income_today": np.full(count, np.nan),
            "low_income": pd.Series([pd.NA] * count, dtype="boolean"),
            "hamlet": unstated,
            "own_building": np.full(count, True),
        }
    )
    shares = pd.DataFrame(
        {
            "building_id": building_ids.astype("string").to_numpy(),
            "household_id": households["household_id"].to_numpy(),
            "share": np.ones(count),
        }
    )
    return households, shares


def _shares(links: pd.DataFrame, where: str) -> pd.DataFrame:
    group = links.groupby("building_id", sort=False)["share"]
    stated, size, total = group.transform("count"), group.transform("size"), group.transform("sum")
    some = (stated > 0) & (stated < size)
    off = (stated == size) & ((total - 1).abs() > _TOLERANCE)
    wrong = some | off
    if wrong.any():
        row = links[wrong].iloc[0]
        value = float(total[wrong].iloc[0])
        raise InputError(
            "shares_sum", where=_place(where, row), building=str(row["building_id"]),
            total=f"{value:.3f}",
        )  # fmt: skip
    share = np.where(stated == size, links["share"] / total, 1.0 / size)
    return pd.DataFrame(
        {
            "building_id": links["building_id"].to_numpy(),
            "household_id": links["household_id"].to_numpy(),
            "share": share,
        }
    )
