# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver audit` and `suggest`: what posts say of a configuration."""

import click
import csv
import io
import json
import os

from mailman_trustedserver.adapter import find_plugin
from mailman_trustedserver.commands.common import (
    find_lists,
    loaded_configuration,
    show,
)
from mailman_trustedserver.commands.posts import Sources
from mailman_trustedserver.configuration import read_file
from mailman_trustedserver.decision import decide
from mailman_trustedserver.explaining import UNUSABLE
from mailman_trustedserver.output import cause, complain
from mailman_trustedserver.report import escape, log_line, read_log_line
from mailman_trustedserver.settings import SettingsError


CSV_HEAD = (
    'source',
    'date',
    'message-id',
    'list',
    'verdict',
    'reason',
    'proof',
    'peers',
)


@click.command()
@click.option(
    '--list',
    'listspec',
    metavar='LIST',
    help='Judge the messages of files as posts to this list.',
)
@click.option(
    '--config',
    metavar='FILE',
    help='Judge by this configuration, which is not in force.',
)
@click.option(
    '--against',
    metavar='FILE',
    help='Judge by this one, too, and say what it would change.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON document.')
@click.option('--csv', 'as_csv', is_flag=True, help='Print a line for each post.')
@click.option(
    '--plot',
    metavar='FILE',
    help='Draw the verdicts over time into FILE, .svg or .png; needs matplotlib.',
)
@click.argument('sources', nargs=-1, required=True, metavar='SOURCE...')
@click.pass_context
def audit(ctx, listspec, config, against, as_json, as_csv, plot, sources):
    """Replay posts, and say what would become of them.

    SOURCE is an mbox, a message, one of these packed by gzip or xz, a Maildir, an
    entry of a queue (.pck), - for standard input, or a list: then its held posts
    and its archive, if it is the one that Mailman itself keeps.

    DNS is not asked: what a DKIM signature decides is counted as such.  The exit
    code is 0, 2 if a source cannot be read or the output not be written, and 130
    after Ctrl-C, which shows what was counted until then.
    """
    if as_json and as_csv:
        ctx.fail('--json and --csv: choose one.')
    # It takes time that no other command and no runner needs.
    from mailman_trustedserver.advice.audit import Audit, draw_audit
    from mailman_trustedserver.advice.common import day_of
    from mailman_trustedserver.advice.sources import Unreadable

    draw = None if plot is None else _plotter(ctx, plot)
    named = None if listspec is None else find_lists([listspec])[0]
    found = Sources(sources, named)
    judge = _judge(config)
    other = (lambda post: None) if against is None else _judge(against)
    result = Audit(compares=against is not None)
    if as_csv:
        show(_csv_line(CSV_HEAD), end='')
    for post in found.posts():
        if isinstance(post.header, Unreadable):
            result.unreadable[str(post.header)] += 1
            continue
        decision = judge(post)
        result.add(decision, other(post), post.held)
        if as_csv:
            pairs = read_log_line(log_line(decision))
            pairs.update(source=post.source, date=day_of(post.header))
            row = [pairs.get(key, '') for key in CSV_HEAD]
            show(_csv_line(row), end='')
    if as_json:
        show(json.dumps(result.describe(), indent=2))
    elif not as_csv:
        show(draw_audit(result.describe()))
    if draw is not None:
        draw(result.days)
    raise click.exceptions.Exit(found.exit_code)


def _judge(path):
    """What decides on a post: by the configuration in force, or by a file."""
    if path is None:
        configuration = loaded_configuration(UNUSABLE)
    else:
        plugin = find_plugin()
        name = 'trustedserver' if plugin is None else plugin.name
        try:
            configuration = read_file(path, name)
        except SettingsError as error:
            complain(str(error))
            raise click.exceptions.Exit(UNUSABLE) from None

    def judge(post):
        mlist = post.mlist
        settings = (
            configuration.site if mlist is None else configuration.for_list(mlist)
        )
        return decide(post.header, settings, mlist, usenet=post.usenet)

    return judge


def _csv_line(row):
    line = io.StringIO()
    # A spreadsheet would compute what a sender wrote.
    cells = [f"'{cell}" if cell[:1] in ('=', '+', '-', '@') else cell for cell in row]
    csv.writer(line, lineterminator='\n').writerow(cells)
    return line.getvalue()


def _plotter(ctx, path):
    """What draws into a file; whatever is missing is said before the work."""
    if os.path.splitext(path)[1] not in ('.svg', '.png'):
        ctx.fail('--plot: name a file that ends in .svg or .png.')
    try:
        from mailman_trustedserver.advice.plot import plot
    except ImportError:
        ctx.fail("--plot needs matplotlib: pip install 'mailman-trustedserver[plot]'")

    def draw(days):
        try:
            plot(days, path)
        except OSError as error:
            complain(f'{escape(path)}: {cause(error)}')
            raise click.exceptions.Exit(UNUSABLE) from None

    return draw


@click.command()
@click.option(
    '--own',
    metavar='NETWORK',
    multiple=True,
    help='An address or network of the organisation.  May be repeated.',
)
@click.argument('sources', nargs=-1, required=True, metavar='SOURCE...')
@click.pass_context
def suggest(ctx, own, sources):
    """Propose the lists of servers, from posts.

    SOURCE is as for audit.  What is the organisation's own, no archive can tell:
    say it with --own.  The rest is named in comments.  Look at each entry before
    you paste it.

    The exit code is as for audit.
    """
    from mailman_trustedserver.addresses import AddressList
    from mailman_trustedserver.advice.sources import Unreadable
    from mailman_trustedserver.advice.suggest import Suggestion

    try:
        networks = AddressList.parse(' '.join(own).split())
    except ValueError as error:
        ctx.fail(f'--own: {error}')
    found = Sources(sources)
    suggestion = Suggestion(networks)
    for post in found.posts():
        if isinstance(post.header, Unreadable):
            suggestion.unreadable += 1
        else:
            suggestion.add(post.header)
    show(suggestion.snippet(), end='')
    raise click.exceptions.Exit(found.exit_code)
