"""Columns and shapes as few bytes: whole numbers, predicted, zigzag, in byte planes, zlib, base64.

A number is stored as a whole number of its last shown digit. What a column can be told from another
(income from energy, capacity from modules, a month from the year) is not stored again: only what is
left over the best straight proportion. The page's ``unpack.js`` is the other half.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

_NUMBERED = re.compile(r"((?:.*[^0-9])?)([0-9]{1,15})", re.ASCII | re.DOTALL)

NULL = 0
"""Stored for unknown; known residuals are zigzag + 1."""


class Packer:
    """Collects columns; ``header`` says how to read them, ``body`` is the packed text."""

    def __init__(self) -> None:
        self._bytes: list[bytes] = []
        self._at = 0
        self.header: dict[str, list[dict[str, Any]]] = {}
        self._known: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._texts: dict[str, list[str]] = {}

    def numbers(self, table: str, key: str, values: np.ndarray, digits: int = 0) -> None:
        """A column of numbers, ``digits`` after the point (negative: tens); ``nan`` is unknown."""
        given = np.asarray(values, dtype=float)
        known = np.isfinite(given)
        whole = np.where(known, np.floor(np.where(known, given, 0) * 10.0**digits + 0.5), 0)
        base, factor, guess = self._best_guess(whole, known)
        left = np.where(known, whole - guess, 0).astype(np.int64)
        told = {"key": key, "kind": "number", "digits": digits, "base": base, "factor": factor}
        self._integers(table, told, left, known)
        self._known[f"{table}.{key}"] = (whole, known)

    def integers(self, table: str, key: str, values: np.ndarray) -> None:
        """A column of whole numbers, as it is."""
        whole = np.asarray(values, dtype=np.int64)
        self._integers(table, {"key": key, "kind": "integer"}, whole, np.ones(len(whole), bool))

    def texts(self, table: str, key: str, values: Sequence[str | None]) -> None:
        """A column of texts; few different ones are stored once each."""
        given = [v or "" for v in values]
        for name, other in self._texts.items():
            if other == given:
                self._add(table, {"key": key, "kind": "same", "as": name}, b"")
                return
        self._texts[f"{table}.{key}"] = given
        if self._numbered(table, key, given):
            return
        names, codes = np.unique(given, return_inverse=True)
        if len(names) <= max(len(values) // 4, 16):
            told = {"key": key, "kind": "category", "names": names.tolist()}
            self._integers(table, told, codes.astype(np.int64), np.ones(len(codes), bool))
            return
        body = json.dumps(given, ensure_ascii=False).encode("utf-8")
        self._add(table, {"key": key, "kind": "text", "rows": len(values)}, body)

    def _numbered(self, table: str, key: str, given: list[str]) -> bool:
        """Texts like B0001, B0002: one beginning, then a number of one width, or of none."""
        split = [_NUMBERED.fullmatch(text) for text in given]
        if not given or not all(split):
            return False
        heads = {found.group(1) for found in split if found}
        tails = [found.group(2) for found in split if found]
        widths = {len(tail) for tail in tails}
        padded = len(widths) == 1
        if len(heads) != 1 or (not padded and any(t[0] == "0" and len(t) > 1 for t in tails)):
            return False
        whole = np.array([int(tail) for tail in tails], dtype=np.int64)
        told = {"key": key, "kind": "numbered", "head": heads.pop()}
        told["width"] = widths.pop() if padded else 0
        self._integers(table, told, np.diff(whole, prepend=0), np.ones(len(whole), dtype=bool))
        return True

    def _best_guess(
        self, whole: np.ndarray, known: np.ndarray
    ) -> tuple[str | None, float, np.ndarray]:
        """The column of as many rows, or the row before, that tells most; by what factor."""
        nothing = np.zeros_like(whole)
        best: tuple[str | None, float, np.ndarray] = (None, 0.0, nothing)
        cost = _cost(whole[known])
        before = np.concatenate([[0.0], whole[:-1]])
        if _cost((whole - before)[known]) < cost:
            best, cost = ("", 1.0, before), _cost((whole - before)[known])
        for key, (other, also) in self._known.items():
            if len(other) != len(whole):
                continue
            both = known & also & (other != 0)
            if both.sum() < 2:
                continue
            factor = float((other[both] * whole[both]).sum() / (other[both] ** 2).sum())
            guess = np.floor(np.where(also, other, 0) * factor + 0.5)
            found = _cost((whole - guess)[known])
            if found < cost:
                best, cost = (key, factor, guess), found
        return best

    def _integers(
        self, table: str, told: dict[str, Any], values: np.ndarray, known: np.ndarray
    ) -> None:
        coded = np.where(known, ((values << 1) ^ (values >> 63)) + 1, NULL).astype(np.uint64)
        size = 1
        while size < 8 and coded.max(initial=0) >= 1 << (8 * size):
            size += 1
        planes = coded[None] >> (8 * np.arange(size, dtype=np.uint64))[:, None]
        body = (planes & np.uint64(255)).astype(np.uint8).tobytes()
        self._add(table, {**told, "size": size, "rows": len(values)}, body)

    def _add(self, table: str, told: dict[str, Any], body: bytes) -> None:
        self.header.setdefault(table, []).append({**told, "at": self._at, "length": len(body)})
        self._bytes.append(body)
        self._at += len(body)

    def extra(self, body: bytes) -> tuple[int, int]:
        """Put bytes that are no column behind all; returns where they begin and how many."""
        at = self._at
        self._bytes.append(body)
        self._at += len(body)
        return at, len(body)

    def body(self) -> str:
        """All columns, compressed, as base64."""
        return base64.b64encode(zlib.compress(b"".join(self._bytes), 7)).decode("ascii")


def _cost(left: np.ndarray) -> float:
    """About how many bits the residuals take."""
    return float(np.log2(1 + np.abs(left)).sum())


def pack_shapes(packer: Packer, table: str, shapes: np.ndarray, unit: float) -> list[int]:
    """Polygons with holes, and multipolygons, in steps of ``unit`` degrees; returns the origin.

    Every ring starts from the last ring's start, every point from the one before; the fourth point
    is guessed as the corner of a parallelogram.
    """
    parts, part_shape = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_type_id(parts) == 3
    parts, part_shape = parts[area], part_shape[area]
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.append(ring[1:] != ring[:-1], True)
    whole = np.floor(points / unit + 0.5).astype(np.int64)[~last]
    ring = ring[~last]
    origin = whole[0].tolist() if len(whole) else [0, 0]
    packer.integers(table, "parts", np.bincount(part_shape, minlength=len(shapes)))
    packer.integers(table, "rings", np.bincount(ring_part, minlength=len(parts)))
    packer.integers(table, "points", np.bincount(ring, minlength=len(rings)))
    moves = _moves(whole, ring, np.asarray(origin))
    packer.integers(table, "x", moves[:, 0])
    packer.integers(table, "y", moves[:, 1])
    return origin


def _moves(whole: np.ndarray, ring: np.ndarray, origin: np.ndarray) -> np.ndarray:
    out = np.diff(whole, axis=0, prepend=whole[:1])
    first = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]]) if len(ring) else np.array([], int)
    if len(first) == 0:
        return out
    out[first] = np.diff(whole[first], axis=0, prepend=origin[None])
    fourth = first[np.diff(np.r_[first, len(whole)]) >= 4] + 3
    out[fourth] = whole[fourth] - (whole[fourth - 3] + whole[fourth - 1] - whole[fourth - 2])
    return out


def lines_up(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """An order in which neighbours follow each other; ``None`` where the given one is as good."""
    if len(x) < 3:
        return None
    step = max(np.ptp(x), np.ptp(y), 1e-9) / 65535
    u, v = ((x - x.min()) / step).astype(np.uint64), ((y - y.min()) / step).astype(np.uint64)
    code = np.zeros(len(x), dtype=np.uint64)
    for bit in range(16):
        b = np.uint64(bit)
        code |= ((u >> b) & np.uint64(1)) << np.uint64(2 * bit)
        code |= ((v >> b) & np.uint64(1)) << np.uint64(2 * bit + 1)
    order = np.argsort(code, kind="stable")

    def walked(way: np.ndarray) -> float:
        return float((np.abs(np.diff(x[way])) + np.abs(np.diff(y[way]))).sum())

    return order if walked(np.arange(len(x))) > 3 * walked(order) else None
