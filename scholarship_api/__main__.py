"""`python -m scholarship_api` is the command line."""

from scholarship_api.cli import main

main()
