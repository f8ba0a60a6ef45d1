"""Has a command that a service manager or a terminal ends clean up as if a person had interrupted it."""

import signal
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_signals(handler: Any = signal.default_int_handler) -> None:
    """Have all that asks this process to stop interrupt it; what is ignored stays so, as under nohup."""
    for word in STOPS:
        if signal.getsignal(word) is not signal.SIG_IGN:
            signal.signal(word, handler)
