"""Operate: the work behind each `killreport` command. `cli.py` only names them and prints what they return."""
