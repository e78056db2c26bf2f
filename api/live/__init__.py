"""What is new, to every socket that follows it: read once, rendered once for all who may see the same."""
