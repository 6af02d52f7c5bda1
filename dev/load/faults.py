# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong while posts flow, and what becomes of the posts.

Half of the posts of a row are handed in before the fault and half after it,
faster than Mailman judges them.  The configuration is in a file of its own, so
that a runner starts without it; while a file changes, a post may be judged by
either state of it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from dev.load.posts import Account, Flow, Post, TRUSTED
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.posts import CONFIGURATION
from dev.site.process import wait_until
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple


FILE = 'trusted.cfg'
# Mailman's own keys of the example, and the file in the place of the others.
SECTION = CONFIGURATION.partition('trusted_local_servers')[0] + (
    f'configuration: {{directory}}/{FILE}\n'
)
LISTS = """\
[trustedserver]
trusted_local_servers:
    127.0.0.1
    192.168.10.3
    192.168.10.4
    192.168.10.5
trusted_remote_servers: 192.168.10.1 192.168.10.2
"""
OTHER_LISTS = LISTS.replace('192.168.10.1 ', '')
# The one route through 192.168.10.2.
OTHER_TRUSTED = frozenset({'program > other outgoing > other relay > Mailman host'})

# How often the lists change in `changing`, in each way, and the posts before, while
# and after each change: the first two routes go through an outgoing server each.
CHANGES = 50
PER_CHANGE = 8

FULL = Path('/dev/full')
LIBFAKETIME = tuple(Path('/usr/lib').glob('*/faketime/libfaketime.so.1'))
# Mailman clears the environment of a runner, so its program sets it anew.
RUNNER = f"""\
import os, sys
os.environ['LD_PRELOAD'] = {str(LIBFAKETIME[0]) if LIBFAKETIME else ''!r}
os.environ['FAKETIME_TIMESTAMP_FILE'] = '{{directory}}/clock'
os.environ['FAKETIME_NO_CACHE'] = '1'
program = os.path.join(os.path.dirname(sys.executable), os.path.basename(__file__))
os.execv(sys.executable, [sys.executable, program, *sys.argv[1:]])
"""


class Row(NamedTuple):
    """A line of the table."""

    fault: str
    account: Account
    # How many posts Mailman itself may lose or double: one for each time that
    # the runner is killed, the one that it has in hand.
    allowed: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing happened that should not."""
        account = self.account
        lost = account.lost - account.unholdable
        return lost + account.doubled <= self.allowed and not account.wrong


def with_plugin(count: int, times: int) -> Iterator[Row]:
    """Post `count` posts for each row, and kill the runner so many times."""
    with MailmanSite(SECTION, {FILE: LISTS}) as site:
        flow = Flow(site)
        yield _row(flow, 'none', count, [])
        yield _killed(flow, '`in` runner killed', count, times)
        yield from _configuration(flow, count)
        # The logs come last: the process ids are read from them.
        yield _row(flow, 'no space for the logs', count, [lambda: fill_logs(site)])


def changing(count: int, times: int = 0) -> Iterator[Row]:
    """Change the lists `CHANGES` times in each way, and nothing else."""
    with MailmanSite(SECTION, {FILE: LISTS}) as site:
        flow = Flow(site)
        for write in (_write_slowly, _replace):
            posts = list(_changes(flow, write))
            name = write.__name__.strip('_').replace('_', ' ')
            row = f'{CHANGES} changes of the lists: {name}'
            yield _counted(flow, row, posts)


def _changes(flow: Flow, write: Callable[[Path, str], None]) -> Iterator[Post]:
    """Change the file again and again while posts flow, and give the posts."""

    def send(*trusted: Collection[str]) -> list[Post]:
        posts = flow.make(PER_CHANGE, *trusted)
        flow.send(posts)
        return posts

    states = [(LISTS, TRUSTED), (OTHER_LISTS, OTHER_TRUSTED)]
    for _ in range(CHANGES):
        yield from send(states[0][1])
        flow.settle()
        taken_up = _taken_up(flow.site)
        yield from send(states[0][1], states[1][1])
        write(flow.site.directory / FILE, states[1][0])
        while _taken_up(flow.site) == taken_up:
            yield from send(states[0][1], states[1][1])
            flow.settle()
        states.reverse()
    flow.settle()


def _taken_up(site: MailmanSite) -> int:
    """How many configurations the `in` runner has taken up."""
    log = (site.directory / 'var' / 'logs' / 'plugins.log').read_text('utf-8')
    return len(re.findall(rf'\({runners(site)["in"]}\) .* is in force', log))


def _write_slowly(path: Path, text: str) -> None:
    with path.open('w') as file:
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()
            # No event: an editor or a network file system that is slow.
            time.sleep(0.01)


def _replace(path: Path, text: str) -> None:
    other = path.with_suffix('.new')
    other.write_text(text)
    other.replace(path)


def without_plugin(count: int, times: int) -> Iterator[Row]:
    """What Mailman does by itself."""
    with MailmanSite() as site:
        flow = Flow(site, MEMBER)
        yield _killed(flow, 'without the plugin: killed', count, times)


def clock(count: int, times: int = 0) -> Iterator[Row]:
    """Set the clock of the runners back, once; needs LIBFAKETIME."""
    section = f'{SECTION}\n[paths.here]\nbin_dir: {{directory}}\n'
    files = {FILE: LISTS, 'runner': RUNNER, 'master': RUNNER, 'clock': '+0'}
    with MailmanSite(section, files) as site:
        flow = Flow(site)
        set_back = partial((site.directory / 'clock').write_text, '-1d')
        row = _row(flow, 'clock set back by a day', count, [set_back])
        yesterday = datetime.now() - timedelta(days=1)
        if f'{yesterday:%b %d}' not in site.vette_log():
            raise RuntimeError('The clock was not set back.')
        yield row


def _row(
    flow: Flow,
    fault: str,
    count: int,
    actions: Sequence[Callable[[], object]],
    *trusted: Collection[str],
    allowed: int = 0,
) -> Row:
    posts = flow.make(count, *trusted)
    size = -(-count // (len(actions) + 1))
    for number, action in enumerate([*actions, None]):
        flow.send(posts[number * size : (number + 1) * size])
        if action is not None:
            action()
    flow.settle()
    return _counted(flow, fault, posts, allowed)


def _counted(flow: Flow, fault: str, posts: Collection[Post], allowed: int = 0) -> Row:
    row = Row(fault, flow.account(posts), allowed)
    if not row.holds:
        print(flow.site.logs(), file=sys.stderr)
    return row


def _killed(flow: Flow, name: str, count: int, times: int) -> Row:
    actions = [lambda: kill_runner(flow)] * times
    return _row(flow, f'{name}, {times} times', count, actions, allowed=times)


def kill_runner(flow: Flow) -> None:
    """Send SIGKILL to the `in` runner while it has a post in hand."""
    wait_until(lambda: flow.in_hand('in'))
    _replace_runner(flow.site, signal.SIGKILL)


def runners(site: MailmanSite) -> dict[str, int]:
    """The process id of each runner that ever started, the latest of a name."""
    log = (site.directory / 'var' / 'logs' / 'mailman.log').read_text('utf-8')
    found = re.findall(r'\((\d+)\) (\w+) runner started\.', log)
    return {name: int(pid) for pid, name in found}


def restart_runner(site: MailmanSite) -> None:
    """Restart the `in` runner, which judges the posts, as `mailman restart` does."""
    _replace_runner(site, signal.SIGUSR1)


def _replace_runner(site: MailmanSite, number: int) -> None:
    pid = runners(site)['in']
    os.kill(pid, number)
    # Mailman's master starts another.
    wait_until(lambda: runners(site)['in'] != pid)


def _configuration(flow: Flow, count: int) -> Iterator[Row]:
    site = flow.site
    path = site.directory / FILE

    def unreadable() -> None:
        # Root may read what has no permissions, but not a directory.
        path.unlink()
        path.mkdir()

    faults: list[tuple[str, Callable[[], object], Collection[str]]] = [
        ('removed', path.unlink, ()),
        ('emptied', lambda: path.write_text(''), ()),
        ('cut in half', lambda: path.write_text(LISTS[: len(LISTS) // 2]), ()),
        ('unreadable (a directory)', unreadable, ()),
        ('replaced by other lists', lambda: _replace(path, OTHER_LISTS), OTHER_TRUSTED),
    ]
    for name, fault, trusted in faults:
        yield _row(flow, f'configuration file {name}', count, [fault], TRUSTED, trusted)
        restart_runner(site)
        yield _row(flow, '  and the runner restarted', count, [], trusted)
        if path.is_dir():
            path.rmdir()
        path.write_text(LISTS)
        restart_runner(site)
    main = site.directory / 'mailman.cfg'
    text = main.read_text()
    # Without it, Mailman itself does not start.
    emptied = [lambda: main.write_text('')]
    yield _row(flow, 'mailman.cfg emptied', count, emptied, TRUSTED, ())
    yield _row(flow, 'mailman.cfg removed', count, [main.unlink], ())
    main.write_text(text)
    restart_runner(site)


def fill_logs(site: MailmanSite) -> None:
    """From now on, a runner that writes to a log is told that the disk is full."""
    runner = Path('/proc', str(runners(site)['in']), 'fd')
    for path in (site.directory / 'var' / 'logs').glob('*.log'):
        path.unlink()
        path.symlink_to(FULL)
    site.mailman('reopen')
    wait_until(lambda: FULL in [path.resolve() for path in runner.iterdir()])
