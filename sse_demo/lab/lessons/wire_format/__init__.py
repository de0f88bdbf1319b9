"""What the lesson *wire format* shows."""
