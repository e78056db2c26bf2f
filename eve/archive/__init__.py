"""The public archive of killmails by day (EVE Ref)."""
