"""How syncs stand: looks, runs, their accounts, and who is late."""
