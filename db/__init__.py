"""Remember: tables, migrations, the one write path, the read queries, the token vault."""
