"""`killreport doctor`: what it looks at, what it mends, and the keys that it is asked to change."""
