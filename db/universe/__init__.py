"""What ids stand for: names, types, places, details."""
