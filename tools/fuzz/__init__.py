"""Give mutated inputs to the code that reads what people and models wrote, and check what it may do with them."""
