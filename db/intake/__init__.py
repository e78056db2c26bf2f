"""How killmails come in: references, bodies, imports, and the order of arrival."""
