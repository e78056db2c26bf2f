"""ESI: its routes, its lists, its names, and the budget that all workers share."""
