"""Who may listen, and who may publish: tokens, sessions and tickets, and how a right that ends ends a stream."""
