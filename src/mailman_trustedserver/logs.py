# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the end of Mailman's logs says.

What each process has in force, since when a list is on its chain, and what was
decided in the last days.

Bounds: the last `MAX_LENGTH` octets of a log are read, and no rotated one.
"""

from __future__ import annotations

import os

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from mailman.config import config
from mailman_trustedserver.advice.history import History
from mailman_trustedserver.configuration import open_regular
from mailman_trustedserver.names import RULE
from mailman_trustedserver.output import cause
from mailman_trustedserver.report import (
    day_of,
    read_chain_line,
    read_log_by_day,
    read_take_up,
)
from pathlib import Path
from typing import Any


__all__ = ['VERDICTS', 'chosen_at', 'log_path', 'processes', 'recent']

# The loggers that have the verdicts, and what is taken up and chosen.
VERDICTS = 'vette'
STATE = 'plugins'

# A second or two of reading, and some hundred thousand posts.
MAX_LENGTH = 50 * 1024 * 1024

# How far back the counts go, today included.
DAYS = 7

_RUNNER = '--runner='


def log_path(logger: str) -> str:
    """The file of one of Mailman's loggers.

    :param logger: Its name, without `mailman.`.
    """
    path: str = next(
        one.path for one in config.logger_configs if one.name == f'logging.{logger}'
    )
    return os.path.normpath(os.path.join(str(config.LOG_DIR), path))


def _end_of(path: str) -> Iterator[str]:
    """The whole lines at the end of a log."""
    with open_regular(path) as file:
        length = os.fstat(file.fileno()).st_size
        if length > MAX_LENGTH:
            # The line that is cut is left out, unless it is cut at its beginning.
            file.seek(length - MAX_LENGTH - 1)
            file.readline(MAX_LENGTH)
        left = MAX_LENGTH
        # What is written meanwhile is not waited for.
        while left > 0 and (line := file.readline(left)):
            left -= len(line)
            yield line.decode('utf-8', 'replace')


def _unreadable(path: str, error: Exception) -> str:
    return f'{path}: {cause(error)}'


def processes() -> dict[str, Any]:
    """What each process of Mailman that is alive has in force.

    :return: `processes`, by number, as from `read_take_up` and with the name of the
        runner if it can be told, and `log_error`: None, or why there are none.
    """
    path = log_path(STATE)
    last = {}
    try:
        for line in _end_of(path):
            taken_up = RULE in line and read_take_up(line)
            if taken_up:
                last[taken_up['process']] = taken_up
    except (OSError, ValueError) as error:
        return {'processes': None, 'log_error': _unreadable(path, error)}
    return {
        'processes': [
            {'runner': _runner(number), **one}
            for number, one in sorted(last.items())
            if _is_alive(number)
        ],
        'log_error': None,
    }


def _is_alive(process: int) -> bool:
    """Whether there is such a process of the user of Mailman."""
    try:
        # Nothing is sent.
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _runner(process: int) -> str:
    """The name of a runner, or master; empty where no /proc says it."""
    with suppress(OSError):
        arguments = Path(f'/proc/{process}/cmdline').read_text('utf-8', 'replace')
        for argument in arguments.split('\0'):
            if argument.startswith(_RUNNER):
                return argument[len(_RUNNER) :].partition(':')[0]
            if os.path.basename(argument) == 'master':
                return 'master'
    return ''


def chosen_at(list_id: str, posting_chain: str) -> str:
    """When a list was put on the chain that it is on.

    :param list_id: Its List-ID.
    :param posting_chain: The chain that it is on.
    :return: A day and a time; empty if the log does not say so.
    """
    last = None
    with suppress(OSError, ValueError):
        for line in _end_of(log_path(STATE)):
            chosen = RULE in line and read_chain_line(line)
            if chosen and chosen['list_id'] == list_id:
                last = chosen
    # What Mailman's shell does is in no log.
    if last is None or last['posting_chain'] != posting_chain:
        return ''
    return last['logged_at']


def recent() -> dict[str, Any]:
    """What was decided in the last `DAYS` days, by list.

    :return: The first day that is `wanted`; the first one that the log has
        (`first_day`, None if it has none); `lists` as from `History.describe`; and
        `log_error`: None, or why nothing is known.
    """
    path = log_path(VERDICTS)
    wanted = (date.today() - timedelta(days=DAYS - 1)).isoformat()
    first, history = '', History()
    found: dict[str, Any] = {'wanted': wanted, 'first_day': None, 'lists': None}
    try:
        for line in _end_of(path):
            first = first or day_of(line)
            for day, pairs in read_log_by_day(line) if RULE in line else ():
                if day >= wanted:
                    history.add(day, pairs)
    except (OSError, ValueError) as error:
        return {**found, 'log_error': _unreadable(path, error)}
    return {
        **found,
        'first_day': first or None,
        **history.describe(),
        'log_error': None,
    }
