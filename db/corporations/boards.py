"""Whose board a corporation's is: its directors', and its members' once a director has published it.

A director counts once EVE has confirmed the role, while in good standing and with a grant that is still valid: SSO
grants a director's scopes to anybody who asks. A member counts by the corporation ESI last said. Everybody else sees
nothing of it.
"""

from __future__ import annotations

SEEN_BY_USER = """
    SELECT d.corporation_id FROM corporation_directors d
     WHERE d.character_id = users.character_id AND d.standing = 'good' AND d.role_seen_at IS NOT NULL
       AND users.token_state = 'valid'
    UNION
    SELECT f.corporation_id FROM corporations_followed f
     WHERE f.corporation_id = users.corporation_id AND f.published AND users.token_state = 'valid'
       AND EXISTS (SELECT FROM corporation_directors d WHERE d.corporation_id = f.corporation_id)
"""
"""SQL: the corporations whose board a row of `users` sees."""
