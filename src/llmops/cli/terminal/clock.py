"""The time outside, and the progress of a run that is shown by it."""

import os
import sys
import time
from datetime import UTC, datetime

from llmops.reporting.progress import Progress, make_progress
from llmops.workflows.executing.asking import Clock


def clock() -> Clock:
    """The time, as the system has it."""
    return Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)


def clock_and_progress() -> tuple[Clock, Progress]:
    """The time, and what shows on standard error how far a run has come."""
    return clock(), make_progress(sys.stderr, os.environ, clock=time.monotonic)
