"""Who sees a claim, in SQL: its pilot, and the confirmed directors of the corporation that it was lost in."""

from __future__ import annotations

from db.visibility import DIRECTS

OWN = "SELECT users.character_id FROM users WHERE users.account_id = $1 AND users.token_state = 'valid'"
"""SQL: the characters of the account $1."""
DIRECTED = f"""
    SELECT d.corporation_id FROM corporation_directors d JOIN users USING (character_id)
     WHERE users.account_id = $1 AND users.token_state = 'valid' AND {DIRECTS}
"""  # noqa: S608 - a constant of `db.visibility`
"""SQL: the corporations that the account $1 directs, as EVE has confirmed."""
HAS_DIRECTOR = f"""
    EXISTS (SELECT FROM corporation_directors d JOIN users USING (character_id)
             WHERE d.corporation_id = {{corporation}} AND users.token_state = 'valid' AND {DIRECTS})
"""
SEES = f"(claim.character_id IN ({OWN}) OR claim.corporation_id IN ({DIRECTED}))"
"""SQL: whether the account $1 sees the row `claim` of `reimbursements`."""
