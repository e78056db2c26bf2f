"""API keys as a pilot makes and ends them."""

from __future__ import annotations

CREATE = """
mutation Create($name: String!, $scopes: [ApiKeyScope!]!) {
  createApiKey(name: $name, scopes: $scopes) { key apiKey { id name hint scopes lastUsedAt } userErrors { code } }
}
"""


REVOKE = "mutation Revoke($id: ID!) { revokeApiKey(id: $id) { apiKeys { id } userErrors { code } } }"
