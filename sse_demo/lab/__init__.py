"""What only the notebooks need: live widgets, checks of exercises, the score board (``pip install sse-demo[lab]``)."""

from ..wire.vectors import VECTORS, Vector
from . import check
from .answers import serve_answers
from .background import Background
from .browser import BrowserEvents, BrowserPage
from .buttons import Buttons
from .chart import LiveChart
from .fault_proxy import Fault, FaultProxy
from .histogram import Histogram
from .installation import check_installation
from .live import LiveEvents
from .log_lines import LogLines
from .progress_line import ProgressLine
from .repeat import Repeat
from .score import score_board
from .server_process import ServerProcess
from .side_by_side import SideBySide
from .slow import SlowReader
from .still_chart import StillChart
from .stop import StopButton

__all__ = [
    "VECTORS",
    "Background",
    "BrowserEvents",
    "BrowserPage",
    "Buttons",
    "Fault",
    "FaultProxy",
    "Histogram",
    "LiveChart",
    "LiveEvents",
    "LogLines",
    "ProgressLine",
    "Repeat",
    "ServerProcess",
    "SideBySide",
    "SlowReader",
    "StillChart",
    "StopButton",
    "Vector",
    "check",
    "check_installation",
    "score_board",
    "serve_answers",
]
