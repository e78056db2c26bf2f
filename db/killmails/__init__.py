"""Reading killmails: feeds, filters, single killmails, statistics."""
