"""What the lesson *when the line drops* shows."""
