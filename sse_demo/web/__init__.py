"""The HTTP side: what each address answers, and the server around it."""
