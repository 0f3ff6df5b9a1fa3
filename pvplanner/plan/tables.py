"""A stage's result as bytes and back: tables as Parquet, records as JSON, to the last digit."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from pvplanner.storage import plain_texts, text_columns, usual_kind, with_texts

if TYPE_CHECKING:
    import pandas as pd

MARK = b"PAR1"
"""What Parquet begins with."""


def settle(table: Any) -> Any:
    """A table as it comes back from Parquet: no attributes, a plain index, no object columns."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return table
    # Every second row of a plain index is a range too, and not plain.
    plain = isinstance(table.index, pd.RangeIndex) and table.index.equals(pd.RangeIndex(len(table)))
    out = table.copy(deep=False) if plain else table.reset_index(drop=True)
    out.attrs = {}
    text = usual_kind()
    for name, kind in out.dtypes.items():
        if kind.kind in "fiub" or kind == text:
            continue
        if pd.api.types.is_object_dtype(kind):
            known = out[name].dropna()
            if len(known) and pd.api.types.infer_dtype(known) == "boolean":
                out[name] = out[name].astype("boolean")
            else:
                out[name] = out[name].astype("str")
        elif isinstance(kind, pd.StringDtype) and kind != text:
            out[name] = out[name].astype("str")
    return out


def quick_hash(table: Any) -> str:
    """Hash of a table's values and names, without making it into a file; of a record, its own."""
    import hashlib

    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return hashlib.sha256(to_bytes(table)).hexdigest()
    digest = hashlib.sha256()
    for name in table.columns:
        values = table[name].to_numpy()
        digest.update(f"{name} {values.dtype} {len(values)}\n".encode())
        if values.dtype.kind not in "fiub":
            # Texts of hours are few.
            values, texts = pd.factorize(values)
            digest.update("\0".join(map(str, texts)).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def to_bytes(table: Any) -> bytes:
    """A table or record as bytes; the same one gives the same bytes."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        kind = f"{type(table).__module__}:{type(table).__qualname__}"
        body = _adapter(table.__class__).dump_python(table, mode="json")
        text = json.dumps({"record": kind, "fields": body}, ensure_ascii=False, indent=1)
        return text.encode("utf-8")
    held = io.BytesIO()
    # Measured numbers seldom come twice: a dictionary of them costs time and gains nothing.
    named = text_columns(table)
    # Parquet tells the ways of holding texts apart: all are held in one.
    with_texts(table, "python").to_parquet(
        held, index=False, compression="zstd", use_dictionary=named, write_statistics=False
    )
    return held.getvalue()


def to_csv(table: pd.DataFrame) -> bytes:
    """A table as text that Excel opens: UTF-8 with a mark; no cell is a formula.

    Outlines are written as well-known text, to the centimetre.
    """
    import pandas as pd

    from pvplanner.texts import plain_cell

    out = pd.DataFrame({name: table[name].array for name in table.columns})
    for name in out.columns:
        if hasattr(out[name].array, "crs"):
            import shapely

            out[name] = shapely.to_wkt(out[name].to_numpy(), rounding_precision=2)
        elif not pd.api.types.is_numeric_dtype(out[name]):
            told = out[name].astype(object)
            out[name] = [None if pd.isna(v) else plain_cell(str(v)) for v in told]
    text = out.to_csv(index=False, lineterminator="\r\n")
    return b"\xef\xbb\xbf" + text.encode("utf-8")


@plain_texts
def from_bytes(body: bytes) -> Any:
    """Inverse of :func:`to_bytes`."""
    if body[:4] != MARK:
        read = json.loads(body)
        return _adapter(_record(read["record"])).validate_python(read["fields"])
    import geopandas as gpd
    import pandas as pd
    import pyarrow.parquet as parquet

    held = io.BytesIO(body)
    spatial = b"geo" in (parquet.read_schema(held).metadata or {})
    held.seek(0)
    return gpd.read_parquet(held) if spatial else pd.read_parquet(held)


def columns_of(body: bytes) -> list[str]:
    """Names of the columns of a table in bytes."""
    import pyarrow.parquet as parquet

    return list(parquet.read_schema(io.BytesIO(body)).names)


def _record(name: str) -> type:
    import importlib

    module, _, kind = name.partition(":")
    if not module.startswith("pvplanner."):
        raise ValueError(name)
    return getattr(importlib.import_module(module), kind)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
