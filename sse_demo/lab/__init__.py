"""What only the notebooks need: live widgets, checks of exercises, the score board (``pip install sse-demo[lab]``)."""

from . import check
from .installation import check_installation
from .live import LiveEvents
from .score import score_board
from .stop import StopButton
from .vectors import VECTORS, Vector

__all__ = ["VECTORS", "LiveEvents", "StopButton", "Vector", "check", "check_installation", "score_board"]
