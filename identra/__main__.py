"""`python -m identra` is the command `identra`."""

from identra.cli import main

main()
