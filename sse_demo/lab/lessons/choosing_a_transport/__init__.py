"""What the lesson *choosing a transport* shows."""
