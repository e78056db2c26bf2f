"""EVE SSO: logins, refreshes, and the access tokens it signs."""
