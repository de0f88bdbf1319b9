"""What the lesson *client* shows."""
