"""What the map shows first: the village proper, and what lies too far off for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

FAR, FEW = 6.0, 0.1
"""A roof lies far off if it is so many times the middle distance away, and such are few."""


def first_view(
    shapes: np.ndarray,
) -> tuple[tuple[float, float, float, float], list[dict[str, Any]]]:
    """Bounds of the village proper, and what lies so far off that it would shrink the view."""
    if len(shapes) == 0:
        return (0.0, 0.0, 0.0, 0.0), []
    boxes = shapely.bounds(shapes)
    middle = np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
    stretch = np.array([np.cos(np.radians(np.median(middle[:, 1]))), 1.0])
    away = np.hypot(*((middle - np.median(middle, axis=0)) * stretch).T)
    far = away > FAR * np.median(away)
    near_size = np.ptp(middle[~far], axis=0).max() if (~far).any() else 0.0
    if far.mean() > FEW or np.ptp(middle, axis=0).max() < 2 * near_size:
        far[:] = False
    near = boxes[~far]
    home = (*near[:, :2].min(axis=0).tolist(), *near[:, 2:].max(axis=0).tolist())
    return home, _far_groups(boxes[far], away[far])


def _far_groups(boxes: np.ndarray, away: np.ndarray) -> list[dict[str, Any]]:
    """Far roofs by neighbourhood of a kilometre, the nearest first, ten at most."""
    out: list[dict[str, Any]]
    groups: dict[tuple[int, int], list[int]] = {}
    for row, box in enumerate(boxes):
        groups.setdefault((round(box[0] * 100), round(box[1] * 100)), []).append(row)
    out = [
        {"bounds": [*boxes[rows][:, :2].min(axis=0).tolist(),
                    *boxes[rows][:, 2:].max(axis=0).tolist()],
         "count": len(rows), "km": round(float(away[rows].min()) * 111.2, 1)}
        for rows in groups.values()
    ]  # fmt: skip
    return sorted(out, key=lambda told: float(told["km"]))[:10]
