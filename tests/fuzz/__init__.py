"""Every door through which somebody else's bytes come in, tried with inputs nobody thought of."""
