"""Answer: login, GraphQL and pages."""
