"""The work behind each `killreport` command; `cli.py` defines the commands and prints what these return."""
