"""`python -m foregate`."""

from foregate.main import main

main(prog_name="foregate")
