"""What was published, in order, for those who come back: one contract, and the logs that keep it."""
