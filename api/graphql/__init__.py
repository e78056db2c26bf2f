"""GraphQL over HTTP and WebSocket, schema first."""
