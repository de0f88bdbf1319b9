"""The command line: ``python -m sse_demo``."""
