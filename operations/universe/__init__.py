"""What is known beside killmails, renewed by an operator: static data, names, values, sums."""
