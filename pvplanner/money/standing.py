"""Who is party to a plan, who decides and by when, and which papers and agreements are missing."""

from __future__ import annotations

import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding
from pvplanner.money.models import COLLECTIVE, HOUSEHOLD, owner_of
from pvplanner.money.terms import Terms
from pvplanner.scenario import Contract

COLUMNS = ("kind", "item", "value", "days", "source", "year", "certainty")


def list_standing(models: list[str], terms: Terms, contract: Contract, province: str | None,
                  classes: list[str], halls: bool = False) -> pd.DataFrame:  # fmt: skip
    """What a plan rests on beside its numbers.

    Parameters
    ----------
    models : list of str
        In use.
    terms : Terms
    contract : Contract
    province : str or None
    classes : list of str
        Project classes of the buildings.
    halls : bool
        Whether halls that stand for themselves carry modules: then the collective invests there.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: ``kind`` is ``party``, ``contract``, ``decision``, ``paper`` or ``carbon``;
        ``days`` is how long before (a vote, as a rule) something must be open, nan where no number
        was found.
    """
    owners = list(dict.fromkeys(owner_of(model) for model in models))
    rows: list[tuple[object, ...]] = [
        ("party", "who_invests", " ".join(owners), None, "scenario", "", "given"),
        ("party", "project_classes", " ".join(classes), None, "scenario", "", "given"),
        ("party", "connection_date", terms.connection_date.isoformat(), None, "scenario", "",
         "given"),
    ]  # fmt: skip
    if COLLECTIVE in owners:
        body = f"{terms.finance.body}_body"
        rows.insert(1, ("party", "body", body, None, "scenario", "", "given"))
    rows += [
        (
            "contract",
            row["agreement"],
            getattr(contract, row["agreement"]) or "not_stated",
            None,
            row["source"],
            row["year"],
            row["certainty"],
        )
        for row in reference.rows("agreements")
    ]
    rows += _decisions(owners, terms, province, halls)
    rows += _papers(models, owners, terms, contract)
    rows += [
        ("carbon", row["item"], row["value"], None, row["source"], row["year"], row["certainty"])
        for row in reference.rows("iso14064")
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(days=table["days"].astype(float))


def _decisions(
    owners: list[str], terms: Terms, province: str | None, halls: bool
) -> list[tuple[object, ...]]:
    bodies = {HOUSEHOLD}
    if COLLECTIVE in owners:
        bodies.add(str(terms.finance.body))
    if halls or (COLLECTIVE in owners and terms.finance.body == "company"):
        # Halls are the collective's, and a company of the village is founded by it.
        bodies.add(COLLECTIVE)
    owned = terms.of_owner(COLLECTIVE)
    return [
        ("decision", f"decision_{row['step']}", row["body"],
         float(row["days"]) if row["days"] else None, row["source"], row["year"],
         row["certainty"])
        for row in reference.rows("decisions")
        if row["body"] in bodies and row["province"] in ("", province or "-")
        and owned.holds(row["only"])
    ]  # fmt: skip


def _papers(
    models: list[str], owners: list[str], terms: Terms, contract: Contract
) -> list[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    owned = terms.of_owner(COLLECTIVE)
    for row in reference.rows("papers"):
        used = set(row["models"].split()) & set(models)
        body = not row["body"] or (COLLECTIVE in owners and row["body"] == terms.finance.body)
        if not used or not body or not owned.holds(row["only"]):
            continue
        there = "at_hand" if row["paper"] in contract.papers else "missing_paper"
        out.append(("paper", f"paper_{row['paper']}", there, None, row["source"], row["year"],
                    row["certainty"]))  # fmt: skip
    return out


def lawful(models: list[str], terms: Terms, contract: Contract, persons: int) -> list[Finding]:
    """What is asked for and is not lawful, or hangs on somebody's leave.

    ``persons`` counts roofs of natural persons whose plant somebody else pays for.
    """
    finance, found = terms.finance, []
    owners = {owner_of(model) for model in models}
    limit = reference.constant("lease_limit_years")
    if finance.lease_years > limit.value and owners & {"developer"}:
        params = {"stated": finance.lease_years, "most": round(limit.value), "rule": limit.source}
        found.append(Finding("lease_cut", "finance.lease_years", params=params))
    if COLLECTIVE in owners:
        found += _of_body(terms, contract)
    if _sells_across(models, terms):
        found.append(Finding("power_across", "finance.model"))
    if terms.cooperative.member_loan_share > 0 and COLLECTIVE in owners:
        found.append(Finding("members_lend", "cooperative.member_loan_share"))
    if owners - {HOUSEHOLD}:
        if contract.filed_as == HOUSEHOLD:
            found.append(Finding("filed_as_person", "contract.filed_as"))
        if persons:
            found.append(Finding("class_of_investor", "tariff.project_class", persons))
    return found


def _sells_across(models: list[str], terms: Terms) -> bool:
    """Whether somebody sells power to households behind their own meters."""
    return "developer" in models or ("cooperative" in models
                                     and terms.cooperative.mode == "self_use")  # fmt: skip


def _of_body(terms: Terms, contract: Contract) -> list[Finding]:
    if terms.finance.body == "cooperative":
        return [Finding("cooperative_business", "finance.body")]
    if terms.loan_forbidden:
        return [Finding("loan_forbidden", "finance.may_borrow")]
    asks = terms.finance.body == "collective" and terms.loan.share > 0
    if asks and "borrowing_review" not in contract.papers:
        rule = next(r["source"] for r in reference.rows("decisions") if r["step"] == "borrowing")
        return [Finding("borrowing_review", "loan.share", params={"rule": rule})]
    return []
