"""Texts of tables as Python's own strings while a plan is made.

For the thousands of rows of a village Arrow's cost more than they save: a third of the time that a
small village takes is theirs. Who calls us keeps the setting that he has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

Made = TypeVar("Made", bound=Callable[..., Any])


class _Kept:
    """The setting while anybody makes a plan, in whatever thread; the last puts the caller's back.

    pandas has one setting for all threads: who came between and put back what he found would leave
    ours behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._makers = 0
        self._usual: Any = None

    def __enter__(self) -> None:
        import pandas as pd

        with self._lock:
            if self._makers == 0:
                self._usual = pd.get_option(OPTION)
                pd.set_option(OPTION, "python")
            self._makers += 1

    def __exit__(self, *error: object) -> None:
        import pandas as pd

        with self._lock:
            self._makers -= 1
            if self._makers == 0:
                pd.set_option(OPTION, self._usual)


OPTION = "mode.string_storage"
_kept = _Kept()


def plain_texts(function: Made) -> Made:
    """A function whose tables hold texts as Python's own strings."""

    @wraps(function)
    def within(*given: Any, **named: Any) -> Any:
        with _kept:
            return function(*given, **named)

    return within  # type: ignore[return-value]


def text_columns(table: pd.DataFrame) -> list[Any]:
    """Names of the columns that hold texts."""
    import pandas as pd

    kinds = zip(table.columns, table.dtypes, strict=True)
    return [name for name, kind in kinds if isinstance(kind, pd.StringDtype)]


def with_texts(table: Any, storage: str) -> Any:
    """A table whose texts, and names of columns, are held in one way; others as they are.

    Parameters
    ----------
    storage : {"python", "pyarrow"}
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return table
    kind = pd.StringDtype(storage, na_value=float("nan"))
    out = table.copy(deep=False)
    for name in text_columns(table):
        if out[name].dtype != kind:
            out[name] = out[name].astype(kind)
    if isinstance(out.columns.dtype, pd.StringDtype) and out.columns.dtype != kind:
        out = out.set_axis(out.columns.astype(kind), axis=1)
    return out


def usual_texts(table: Any) -> Any:
    """A table whose texts are held as the caller's pandas holds them, so that it joins his own."""
    return with_texts(table, usual_kind().storage)


def usual_kind() -> Any:
    """The type that texts are given where nothing else is said."""
    import pandas as pd

    return pd.api.types.pandas_dtype("str")
