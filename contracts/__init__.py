"""What workflows, activities and their callers say to each other: the one room the workflow sandbox passes through."""
