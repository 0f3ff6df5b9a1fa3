"""A worker's process: ``python -m pvplanner.region.worker RUN``, told tasks on standard input."""

from __future__ import annotations

import sys

from pvplanner.region.workers import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]))
