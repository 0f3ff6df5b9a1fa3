"""Lists of a period: statements, what is posted, what the bank pays out."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pvplanner.money.models import COLLECTIVE, HOUSEHOLD
from pvplanner.plan import Plan
from pvplanner.settlement.dividends import Dividends
from pvplanner.tracking.collectives import Owners, books_of, year_of

PERSONAL = ("rent", "free_kwh", "export_share", "member_interest", "member_principal", "dividend")
"""What households are paid by a collective or developer: the bank pays it out in one list."""


def as_payments(shared: Dividends | None, resolved: dt.date | None) -> pd.DataFrame:
    """Dividends as payments of the year's last month: a proposal until they are resolved."""
    if shared is None:
        return pd.DataFrame()
    return shared.households.assign(
        month=f"{shared.year}-12", payer=COLLECTIVE, payee=HOUSEHOLD, item="dividend",
        basis="proposal" if resolved is None else "resolved",
    )  # fmt: skip


def statements_of(paid: pd.DataFrame) -> pd.DataFrame:
    """What each household received and paid, item by item."""
    own = paid[paid["household_id"].ne("")] if len(paid) else paid
    if own.empty:
        return pd.DataFrame(columns=["household_id", "item", "received_fen", "paid_fen", "basis"])
    gets, gives = own["payee"].eq(HOUSEHOLD), own["payer"].eq(HOUSEHOLD)
    told = own[gets | gives].assign(
        received_fen=own["fen"].where(gets, 0), paid_fen=own["fen"].where(gives, 0)
    )
    keys = ["household_id", "item", "basis"]
    sums = told.groupby(keys, sort=True)[["received_fen", "paid_fen"]].sum().reset_index()
    return sums[["household_id", "item", "received_fen", "paid_fen", "basis"]]


def posting_list(
    plan: Plan, owners: Owners, mine: pd.DataFrame, every: pd.DataFrame, year: int | None
) -> pd.DataFrame:
    """What each house number is paid, as it may be posted."""
    public = plan.public()
    shared, _ = year_of(books_of(public, owners), every, year)
    paid = pd.concat(
        [mine[mine["item"].isin(PERSONAL)], as_payments(shared, None)], ignore_index=True
    )
    paid = paid[paid["household_id"].ne("") & paid["payee"].eq(HOUSEHOLD)] if len(paid) else paid
    columns = ["household_id", "hamlet", "fen"]
    if paid.empty:
        return pd.DataFrame(columns=columns)
    sums = paid.groupby("household_id")["fen"].sum().rename("fen").reset_index()
    homes = public.households.set_index(public.households["household_id"].astype(str))
    sums["hamlet"] = homes["hamlet"].reindex(sums["household_id"]).fillna("").astype(str).to_numpy()
    if shared is not None and shared.unnamed_fen:
        sums.loc[len(sums)] = {"household_id": "", "hamlet": "", "fen": shared.unnamed_fen}
    return sums[columns]


def batch_list(plan: Plan, paid: pd.DataFrame, shared: Dividends | None) -> pd.DataFrame:
    """What a bank is to pay out, a row a household and payer; then the owners of joint plants."""
    columns = ["household_id", "household_name", "payer", "books", "fen"]
    own = paid[paid["item"].isin(PERSONAL) & paid["payee"].eq(HOUSEHOLD)] if len(paid) else paid
    own = own[own["household_id"].ne("")] if len(own) else own
    to_owners = pd.DataFrame(columns=columns)
    if shared is not None and len(shared.owners):
        paid_out = shared.owners[shared.owners["fen"].ne(0)]
        to_owners = paid_out.rename(columns={"owner": "household_name"}).assign(
            household_id="", payer=COLLECTIVE
        )[columns]
    if own.empty:
        return to_owners
    sums = own.groupby(["payer", "books", "household_id"])["fen"].sum().reset_index()
    homes = plan.households.set_index(plan.households["household_id"].astype(str))
    names = homes["household_name"] if "household_name" in homes else pd.Series(dtype=object)
    told = names.reindex(sums["household_id"]).fillna("").astype(str).to_numpy()
    sums = sums.assign(household_name=told)[columns]
    return pd.concat([sums, to_owners], ignore_index=True) if len(to_owners) else sums
