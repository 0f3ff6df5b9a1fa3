"""``python -m pvplanner`` is the command line."""

from pvplanner.start import main

main()
