"""What the lesson *service* shows."""
