"""Made months of a village: what its meters say, the grid company's sheet, the bank's statement."""

from __future__ import annotations

import pandas as pd

from pvplanner.settlement import amounts_of
from pvplanner.tracking import expected_days
from pvplanner.tracking.pricing import rules_of
from pvplanner.tracking.settling import _homes

HEAD = (
    "account,month,exported_kwh,market_price,market_amount,mechanism_kwh,mechanism_price,"
    "mean_price,difference_amount,subsidy_amount,tax_amount,total_amount"
)


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def month_of(plan, month, folder, *, price=0.2871, factor=1.0, change=None, came=None):
    """Files of a month in which everything is as planned times ``factor``.

    ``change`` may alter the rows of the sheet, ``came`` the sum that reaches the bank. Returns the
    meter's, the sheet's and the bank's file, and the rows.
    """
    begin = pd.Timestamp(f"{month}-01")
    due = expected_days(plan, begin, begin + pd.offsets.MonthEnd(0)).fillna(0.0) * factor
    due = due.round(3)
    days = "".join(f"{h},{d:%Y-%m-%d},{due.at[d, h]:.3f}\n" for h in due for d in due.index)
    homes, part = _homes(plan), next(iter(plan.parts.values()))
    rows = []
    for home in due:
        rules = rules_of(part.terms, month, price, price, person=bool(homes.loc[home, "person"]))
        if rules is None:
            continue
        kwh = float(round(due[home].sum()))
        found = amounts_of(kwh, rules, tax_is="withheld", digits=0)
        rows.append({
            "account": home, "month": month, "exported_kwh": kwh, "market_price": price,
            "market_amount": found.market / 100, "mechanism_kwh": found.mechanism_energy,
            "mechanism_price": rules.bid, "mean_price": price,
            "difference_amount": found.difference / 100, "subsidy_amount": 0.0,
            "tax_amount": found.tax / 100, "total_amount": (found.gross - found.tax) / 100,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    if change is not None:
        table = change(table)
    text = HEAD + "\n" + table.to_csv(index=False, header=False)
    total = float(table["total_amount"].sum()) if came is None else came
    bank = f"交易日期,收入金额,摘要\n{month}-28,{total:.2f},电费\n"
    return (
        write(folder, f"meter-{month}.csv", "household_id,date,kwh\n" + days),
        write(folder, f"sheet-{month}.csv", text), write(folder, f"bank-{month}.csv", bank), table,
    )  # fmt: skip
