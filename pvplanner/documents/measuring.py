"""Present value, rate and payback of a row of cash as formulas that every spreadsheet knows."""

from __future__ import annotations

import numpy as np

from pvplanner.money.measures import internal_rate, net_present_value, payback


def worth_now(flows: str, worth: str) -> str:
    """Present value of a range of cash by a range of factors."""
    return f"=SUMPRODUCT({flows},{worth})"


def rate_of(flows: str, first: str, dates: str = "") -> str:
    """Internal rate of a range of cash; empty where there is none, or nothing was paid at first.

    Parameters
    ----------
    flows, first : str
        The range and its first cell.
    dates : str
        Of the payments, where they are not a year apart.
    """
    name = f"XIRR({flows},{dates}" if dates else f"IRR({flows}"
    # From a guess above nought a loss is not always found; below -0.99 there is no rate.
    lost = f'IFERROR(IF({name},-0.05)>-0.99,{name},-0.05),""),"")'
    return f'=IF({first}>=0,"",IFERROR(IF({name})>-0.99,{name}),""),{lost}))'


def years_back(sums: str, ends: tuple[str, str], times: str, side: int) -> str:
    """When a range of running balances turns positive for good; empty where it does not.

    Parameters
    ----------
    sums : str
        The range; ``ends`` are its first and last cell.
    times : str
        Range of the times of its cells.
    side : int
        Columns before the range.
    """
    begin, end = ends
    # The last year in which the balance is still negative: later payments count as well.
    last = f"SUMPRODUCT(MAX(({sums}<0)*(COLUMN({sums})-{side})))"
    return (
        f'=IF(OR({begin}>=0,{end}<0),"",INDEX({times},1,{last})-INDEX({sums},1,{last})'
        f"/(INDEX({sums},1,{last}+1)-INDEX({sums},1,{last}))"
        f"*(INDEX({times},1,{last}+1)-INDEX({times},1,{last})))"
    )


def measured(cash: np.ndarray, rate: float, part: float, first_whole: int) -> list[float]:
    """Income of the first whole year, present value, rate and payback of a row of cash."""
    flows = cash[None]
    return [
        float(cash[first_whole]), float(net_present_value(flows, rate, part)[0]),
        float(internal_rate(flows, part)[0]), float(payback(flows, first=part)[0]),
    ]  # fmt: skip
