"""One look for all that the lessons show: colours with a meaning, readable on a light page and on a dark one."""

GOOD = "#388e3c"  # it is right, it is open, it has passed
WAITING = "#b7730b"  # it is not there yet, or still missing
WRONG = "#d81b60"  # it has failed, or it is lost
OURS = "#1e88e5"  # what the lesson builds, and events on their way
OTHER = "#8e5bd6"  # what it is compared with
QUIET = "#767676"  # axes, grids and what is over

COLORS = (OURS, OTHER, WAITING, GOOD, QUIET)  # for lines without a meaning of their own, in this order
STATES = {"connecting": WAITING, "open": GOOD, "closed": QUIET, "failed": WRONG, "running": GOOD, "killed": WRONG}


def pill(state: str) -> str:
    """A state as HTML: white on the colour that it has everywhere."""
    style = f"background:{STATES.get(state, QUIET)};color:white;border-radius:9px;padding:1px 9px"
    return f'<span style="{style}">{state}</span>'
