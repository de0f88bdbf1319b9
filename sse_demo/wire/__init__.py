"""The wire format: bytes of the HTML standard, with no input or output of its own."""
