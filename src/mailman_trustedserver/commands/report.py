# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver report`: what the log says of the posts so far."""

import click
import glob
import io
import json
import os

from mailman_trustedserver.commands.common import find_lists, show
from mailman_trustedserver.explaining import UNUSABLE
from mailman_trustedserver.output import cause, complain
from mailman_trustedserver.report import escape, read_log_by_day


@click.command()
@click.option(
    '--since',
    type=click.DateTime(['%Y-%m-%d']),
    metavar='YYYY-MM-DD',
    help='Leave out what is older.',
)
@click.option('--list', 'listspec', metavar='LIST', help='Leave out all other lists.')
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON document.')
@click.argument('logs', nargs=-1, metavar='[LOG...]')
def report(since, listspec, as_json, logs):
    """Show what was decided, by list and day, from Mailman's log.

    LOG is a file, plain or packed by gzip or xz; without any, it is the log that
    mailman.cfg names for vette, with its rotated files.

    The exit code is 0, or 2 if a log cannot be read or the output not be written.
    """
    from mailman_trustedserver.advice.history import draw_history, History
    from mailman_trustedserver.advice.sources import unpacked

    list_id = None if listspec is None else find_lists([listspec])[0].list_id
    first = '' if since is None else f'{since:%Y-%m-%d}'
    exit_code = 0
    history = History()
    for path in logs or _logs():
        try:
            with open(path, 'rb') as file, unpacked(file) as log:
                # A line at a time: a log may be larger than memory.  Nothing in a
                # message can end one, but for a line feed.
                lines = io.TextIOWrapper(log, 'utf-8', 'replace', newline='\n')
                found = (one for line in lines for one in read_log_by_day(line))
                for day, pairs in found:
                    here = list_id in (None, pairs.get('list'))
                    # A line without a date is not known to be older.
                    if here and (not day or day >= first):
                        history.add(day, pairs)
        except OSError as error:
            complain(f'{escape(path)}: {cause(error)}')
            exit_code = UNUSABLE
    result = history.describe()
    show(json.dumps(result, indent=2) if as_json else draw_history(result))
    raise click.exceptions.Exit(exit_code)


def _logs():
    """The log of the verdicts, and what was rotated away, the oldest first."""
    from mailman_trustedserver.logs import log_path, VERDICTS

    path = log_path(VERDICTS)
    # As logrotate names them: vette.log.1, .2.gz, -20260901.xz.
    rotated = [
        one
        for mark in '.-'
        for one in glob.glob(f'{glob.escape(path)}{mark}[0-9]*')
        if os.path.isfile(one)
    ]
    return [*sorted(rotated, key=os.path.getmtime), path]
