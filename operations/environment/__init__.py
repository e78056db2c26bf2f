"""The variables that an installation runs with: a new file of them, reading one, and their reference."""
