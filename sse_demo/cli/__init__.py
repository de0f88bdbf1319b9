"""The command line, ``python -m sse_demo``: a file for each command.

Each has its ``SUMMARY``, adds its own arguments to a parser, and runs. What a command alone needs, it imports when it
runs: ``--help`` and ``--version`` load no server, no client and no benchmark.
"""
