"""An array as a field of a dataclass that is written as JSON and read back to the last digit."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import GetPydanticSchema
from pydantic_core import core_schema


def _as_array(value: Any) -> np.ndarray:
    """JSON has no word for what is unknown: it comes back as None."""
    made = np.asarray(value)
    return made.astype(float) if made.dtype == object else made


def _array_schema(source: Any, handler: Any) -> core_schema.CoreSchema:
    return core_schema.no_info_plain_validator_function(
        _as_array,
        serialization=core_schema.plain_serializer_function_ser_schema(
            lambda value: np.asarray(value).tolist()
        ),
    )


Array = Annotated[np.ndarray, GetPydanticSchema(_array_schema)]
"""A numpy array of numbers."""
