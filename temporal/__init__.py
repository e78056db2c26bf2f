"""The client's side of Temporal: connect, start, signal, query, schedule. Nothing here runs in a workflow."""
