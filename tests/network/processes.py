# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a process namespace that `unshare --pid --fork` started."""

from __future__ import annotations

import os
import signal
import subprocess

from contextlib import suppress
from pathlib import Path
from typing import Any


SECONDS = 10.0


def first_process(process: subprocess.Popen[Any]) -> int:
    """The first process of the namespace, as seen from here; 0 for none."""
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    with suppress(OSError, IndexError):
        return int(children.read_text().split()[0])
    return 0


def end_namespace(process: subprocess.Popen[Any]) -> None:
    """Kill the first process of the namespace, and wait for all others.

    The kernel lets `unshare` see the death of that process only when the
    namespace is empty.
    """
    first = first_process(process)
    if first:
        with suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS)
    process.kill()
    process.wait()
