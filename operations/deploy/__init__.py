"""`killreport deploy …`: which version of the workers gets the work."""
