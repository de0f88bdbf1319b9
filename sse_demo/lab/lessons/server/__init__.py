"""What the lesson *server* shows."""
