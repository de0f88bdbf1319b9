"""One publish, many subscribers: from the log to the sockets."""
