"""What the old system (the one on Node) left in its own Postgres, and how it comes into ours."""
