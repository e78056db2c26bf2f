"""Ship replacement: what became of a pilot's loss that their corporation may pay for, and who changed that."""
