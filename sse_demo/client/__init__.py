"""The receiving side, and publishing over HTTP."""
