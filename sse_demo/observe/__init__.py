"""What tells an operator how a server is doing."""
