"""What the busy did, added up by day: kept with every appraisal, read by statistics (docs/decisions/0038)."""
