"""The grid: what may be connected where, what flows back, and ways out where it is too much."""

from __future__ import annotations

from pvplanner.grid.hours import Feeders, balanced_phases, export_cut, noon_hour, storage_for
from pvplanner.grid.joining import join_buildings, read_lines
from pvplanner.grid.reading import LEVELS, no_nodes, read_nodes
from pvplanner.grid.tree import Limits, capacity_kw, colour_of, reverse_share
from pvplanner.grid.ways import WAYS, ways_out

__all__ = [
    "LEVELS",
    "WAYS",
    "Feeders",
    "Limits",
    "balanced_phases",
    "capacity_kw",
    "colour_of",
    "export_cut",
    "join_buildings",
    "no_nodes",
    "noon_hour",
    "read_lines",
    "read_nodes",
    "reverse_share",
    "storage_for",
    "ways_out",
]
