"""What a server shows by itself: a page, ten messages, this machine. Left out with ``serve(demo=False)``."""
