"""`python -m ablate`: the command line without an installed entry point."""

from ablate.cli import main

main()
