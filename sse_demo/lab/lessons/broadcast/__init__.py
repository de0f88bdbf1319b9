"""What the lesson *broadcast* shows."""
