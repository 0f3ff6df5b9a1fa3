"""``python -m pvplanner`` is the command line."""

from pvplanner.cli import main

main()
