"""What a signal does to a process."""

from __future__ import annotations

import subprocess
import sys

_INTERRUPTED = """
import os, signal, warnings
from notifydb.cli import signals

signals.install()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except signals.Terminated:
    warnings.warn("transaction already deassociated from connection")
    print("ended")
"""


def test_nobody_is_warned_of_what_a_signal_has_interrupted() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
