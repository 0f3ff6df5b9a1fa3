"""Where the command begins: it listens for signals before anything large is imported."""

from __future__ import annotations

import os
import sys
from typing import Any

from pvplanner import stopping


def main() -> None:
    """Run the command line; a signal ends it with one line and what it had begun tidied."""
    stopping.listen()
    stopping.quiet_threads()
    code: Any = 0
    try:
        from pvplanner.cli import main as command

        command()
    except stopping.Stopped as stopped:
        code = stopped.code
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        # An import that a signal broke off may end in any error.
        if not stopping.asked():
            raise
    code = stopping.asked() or code
    if stopping.asked():
        _say()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
    if stopping.asked():
        # Threads that still reckon have nothing to tidy.
        os._exit(int(code))
    raise SystemExit(code)


def _say() -> None:
    """One line on standard error, in the language of the environment if it can be had."""
    place = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    try:
        from pvplanner.errors import LANGUAGES, message

        language = next((code for code in LANGUAGES if place.lower().startswith(code)), "en")
        print(message("stopped", language), file=sys.stderr)
    except Exception:
        print("stopped", file=sys.stderr)


if __name__ == "__main__":
    main()
