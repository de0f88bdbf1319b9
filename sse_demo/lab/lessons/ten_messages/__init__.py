"""What the lesson *ten messages* shows."""
