"""A worker's process: ``python -m pvplanner.region.worker``, told tasks on standard input."""

from __future__ import annotations

from pvplanner.region.workers import serve

if __name__ == "__main__":
    serve()
