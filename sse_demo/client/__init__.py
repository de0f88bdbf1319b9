"""The client: an event stream that is read, reconnected and resumed, and publishing over HTTP."""
