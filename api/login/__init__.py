"""Who asks: the login through EVE SSO, the session cookie and the API key."""
