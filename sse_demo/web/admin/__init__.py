"""Who is there: what operators see of the open streams, and how they end one. Only with access control."""
