"""What every request passes: headers, guards, limits, the log; health and metrics."""
