"""What killmails are worth: prices, rules, appraisal."""
