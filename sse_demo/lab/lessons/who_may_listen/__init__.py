"""What the lesson *who may listen* shows."""
