"""What cash flows are worth: NPV, IRR, payback, LCOE, debt-service cover, Gini; compiled by row."""

from __future__ import annotations

import numba as nb
import numpy as np

from pvplanner.threads import spread

_GRID = np.array(
    [-0.99, -0.9, -0.7, -0.5, -0.35, -0.2, -0.1, -0.05, 0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5,
     0.8, 1.2, 2.0, 4.0, 10.0]
)  # fmt: skip


def internal_rate(flows: np.ndarray, first: float = 1.0) -> np.ndarray:
    """Rate at which each row's flows are worth nothing.

    Parameters
    ----------
    flows : ndarray, shape (n, years + 1)
        The first at once, the others at the end of each year.
    first : float
        Length of the first year; one that is in part leaves the rest to the last.

    Returns
    -------
    ndarray, shape (n,)
        Within (-0.99, 10); nan where the flows do not begin with a payment or have no root there.
        Flows that change sign more than once can have several: of the brackets on a grid the one
        nearest to zero is taken, and Newton's method is kept within it.
    """
    out = np.full(flows.shape[0], np.nan)
    steps = np.array([first, 1.0 if first == 1 else 1 - first])
    spread(_rates, len(flows), np.ascontiguousarray(flows, dtype=float), steps, out, least=2000)
    return out


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _rates(begin: int, end: int, flows: np.ndarray, steps: np.ndarray, out: np.ndarray) -> None:
    for n in range(begin, end):
        if not flows[n, 0] < 0:
            continue
        low, high, found = 0.0, 0.0, False
        before = _worth(flows[n], _GRID[0], steps)[0]
        for k in range(1, len(_GRID)):
            here = _worth(flows[n], _GRID[k], steps)[0]
            if before > 0 >= here and (not found or abs(_GRID[k]) < abs(high)):
                low, high, found = _GRID[k - 1], _GRID[k], True
            before = here
        if not found:
            continue
        rate = (low + high) / 2
        for _ in range(60):
            value, slope = _worth(flows[n], rate, steps)
            if value > 0:
                low = rate
            else:
                high = rate
            # Newton's step where it stays in the bracket, else its middle.
            new = rate - value / slope if slope != 0 else low
            if not low < new < high:
                new = (low + high) / 2
            if abs(new - rate) <= 1e-14 * (1 + abs(rate)):
                rate = new
                break
            rate = new
        out[n] = rate


@nb.njit(inline="always")
def _worth(flow: np.ndarray, rate: float, steps: np.ndarray) -> tuple[float, float]:
    """Net present value and its derivative by the rate, by Horner's rule.

    ``steps`` are the lengths of the first and the last year; those between are whole.
    """
    v = 1 / (1 + rate)
    last = len(flow) - 1
    value, slope = flow[last], 0.0
    for year in range(last - 1, -1, -1):
        step = steps[0] if year == 0 else (steps[1] if year == last - 1 else 1.0)
        if step == 1.0:
            slope = slope * v + value
            value = value * v + flow[year]
        else:
            part = v**step
            slope = slope * part + value * step * part / v
            value = value * part + flow[year]
    return value, -slope * v * v


def times_of(count: int, first: float = 1.0) -> np.ndarray:
    """Years from the beginning to each flow: the first at once, then at each year's end.

    Parameters
    ----------
    count : int
        Of flows.
    first : float
        Length of the first year; one that is in part leaves the rest to the last.
    """
    if first == 1:
        return np.arange(count, dtype=float)
    return np.concatenate([[0.0], np.minimum(np.arange(count - 1) + first, count - 2)])


def net_present_value(flows: np.ndarray, rate: float, first: float = 1.0) -> np.ndarray:
    """Net present value of each row; the first flow is not discounted."""
    # A plain sum: for rows this short a library's threads cost more than they give.
    return np.einsum("ny,y->n", flows, (1 + rate) ** -times_of(flows.shape[1], first))


def payback(flows: np.ndarray, rate: float = 0.0, first: float = 1.0) -> np.ndarray:
    """Years until the (discounted) flows have repaid the payments before them; nan if never.

    Within the last year the flow is taken as even. Rows that begin without a payment have none.
    """
    times = times_of(flows.shape[1], first)
    total = np.cumsum(flows * (1 + rate) ** -times, axis=1)
    # The last year in which the balance is still negative: later payments count as well.
    below = total < 0
    last = flows.shape[1] - 1 - below[:, ::-1].argmax(axis=1)
    known = below[:, 0] & (last < flows.shape[1] - 1) & np.isfinite(total).all(axis=1)
    rows = np.arange(len(flows))
    after = np.minimum(last + 1, flows.shape[1] - 1)
    step = total[rows, after] - total[rows, last]
    with np.errstate(invalid="ignore", divide="ignore"):
        value = times[last] - total[rows, last] / step * (times[after] - times[last])
    return np.where(known, value, np.nan)


def levelised_cost(
    costs: np.ndarray, energy_kwh: np.ndarray, rate: float, first: float = 1.0
) -> np.ndarray:
    """Discounted costs over discounted energy, per kWh; nan without energy.

    Parameters
    ----------
    costs : ndarray, shape (n, years + 1)
        Positive; the first at once.
    energy_kwh : ndarray, shape (n, years)
    """
    spent = net_present_value(costs, rate, first)
    made = net_present_value(np.pad(energy_kwh, ((0, 0), (1, 0))), rate, first)
    return np.divide(spent, made, out=np.full_like(spent, np.nan), where=made > 0)


def lowest_cover(available: np.ndarray, service: np.ndarray) -> np.ndarray:
    """Lowest debt-service cover over the years that have any; nan without debt."""
    ratio = np.divide(available, service, out=np.full(available.shape, np.inf), where=service > 0)
    found = ratio.min(axis=1) if ratio.shape[1] else np.full(len(ratio), np.inf)
    return np.where(np.isfinite(found), found, np.nan)


def loan_instalments(rate: float, years: int, kind: str, a_year: int) -> np.ndarray:
    """Interest and principal of each instalment of a loan of 1; shape (2, years * a_year).

    Parameters
    ----------
    rate : float
        Nominal, per year.
    years : int
    kind : {'annuity', 'equal_principal', 'interest_first'}
        Alike instalments; alike repayments; interest alone, and the principal at the end.
    a_year : int
        Instalments a year, each at the end of its part: 12 for months.
    """
    count, each = years * a_year, rate / a_year
    at = np.arange(count)
    if kind == "interest_first":
        paid = (at == count - 1).astype(float)
        interest = np.full(count, each)
    elif kind == "equal_principal" or rate == 0:
        paid = np.full(count, 1 / count)
        interest = (1 - at / count) * each
    else:
        payment = each / -np.expm1(-count * np.log1p(each))
        paid = (payment - each) * (1 + each) ** at
        interest = payment - paid
    return np.stack([interest, paid])


def gini(income: np.ndarray) -> float:
    """Gini coefficient of incomes; nan where one is unknown or all are zero."""
    values = np.sort(np.asarray(income, dtype=float))
    if len(values) == 0 or not np.isfinite(values).all() or values.sum() <= 0:
        return float("nan")
    rank = np.arange(1, len(values) + 1)
    return float((2 * rank - len(values) - 1) @ values / (len(values) * values.sum()))
