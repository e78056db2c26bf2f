"""A whole KillReport under every fault we can think of, from a seed; afterwards its data is held against the truth."""
