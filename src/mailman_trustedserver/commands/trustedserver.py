# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The `mailman trustedserver` subcommand."""

import click
import json
import os
import shlex
import sys
import textwrap

from contextlib import suppress
from mailman.config import config
from mailman.interfaces.command import ICLISubCommand
from mailman.interfaces.listmanager import IListManager
from mailman_trustedserver.adapter import (
    CHAIN,
    DEFAULT_CHAIN,
    describe,
    describe_settings,
    find_plugin,
    judge,
)
from mailman_trustedserver.header import Header
from mailman_trustedserver.mbox import MAX_HEADER_LENGTH, read_headers
from mailman_trustedserver.policy import evaluate
from mailman_trustedserver.running import refusal
from mailman_trustedserver.settings import OBSERVE
from public import public
from zope.component import getUtility
from zope.interface import implementer


# The exit codes of `explain`.
TRUSTED, NOT_TRUSTED, UNUSABLE = 0, 1, 2

# A name from a message is cut here when it is shown.
MAX_SHOWN_LENGTH = 80

# Of a terminal, in characters.
WIDTH = 79


@click.group()
def trustedserver():
    """Trust posts that came through the site's own mail servers."""


def _loaded_settings(exit_code):
    """The settings in force, or the error on stderr and an exit."""
    plugin = find_plugin()
    if plugin is None:
        error = (
            f'{config.filename}: the plugin is not enabled; write '
            '"enabled: yes" into its section [plugin.trustedserver]'
        )
    elif plugin.settings is None:
        error = plugin.error
    else:
        return plugin.settings
    click.echo(error, err=True)
    raise click.exceptions.Exit(exit_code)


@trustedserver.command()
def check():
    """Load the configuration and print what it means.

    The exit code is 1 if the configuration does not load.
    """
    settings = _loaded_settings(1)
    described = describe_settings(settings)
    warnings = described.pop('warnings')
    click.echo(f'The configuration of [plugin.{find_plugin().name}] loads.')
    for key in ('trusted_local_servers', 'trusted_remote_servers'):
        click.echo(f'{key}:')
        for entry in described.pop(key) or ['(none)']:
            click.echo(f'    {entry}')
    for key, value in described.items():
        if isinstance(value, list):
            value = ' '.join(value) or '(none)'
        elif isinstance(value, bool):
            value = 'yes' if value else 'no'
        click.echo(f'{key}: {value}')
    for warning in warnings:
        click.echo(f'Warning: {warning}')


@trustedserver.command()
def status():
    """Show each list and its posting chain."""
    mlists = sorted(
        getUtility(IListManager).mailing_lists, key=lambda mlist: mlist.list_id
    )
    if not mlists:
        click.echo('There are no mailing lists.')
    width = max((len(mlist.fqdn_listname) for mlist in mlists), default=0)
    plugin = find_plugin()
    settings = None if plugin is None else plugin.settings
    for mlist in mlists:
        note = ''
        action = mlist.default_nonmember_action.name
        if (
            mlist.posting_chain == CHAIN
            and settings is not None
            and action not in settings.nonmember_actions
        ):
            note = f'  (no effect: default_nonmember_action is {action})'
        click.echo(f'{mlist.fqdn_listname:<{width}}  {mlist.posting_chain}' + note)


def _find_lists(ctx, listspecs):
    """The lists, by posting address or list-id; all are found or it fails."""
    manager = getUtility(IListManager)
    mlists = []
    for listspec in listspecs:
        mlist = manager.get(listspec)
        if mlist is None:
            ctx.fail(f'No such list: {listspec}')
        mlists.append(mlist)
    return mlists


def _set_chain(mlist, chain):
    if mlist.posting_chain == chain:
        click.echo(f'{mlist.fqdn_listname}: already on {chain}')
    else:
        mlist.posting_chain = chain
        click.echo(f'{mlist.fqdn_listname}: now on {chain}')


@trustedserver.command()
@click.option(
    '--replace',
    'replaced',
    metavar='CHAIN',
    multiple=True,
    help='Replace this chain, where a list is on it.  May be repeated.',
)
@click.option(
    '--mailman-is-down',
    'is_down',
    is_flag=True,
    help='Do not ask the running Mailman whether it has the chain.',
)
@click.argument('lists', nargs=-1, required=True, metavar='LIST...')
@click.pass_context
def enable(ctx, replaced, is_down, lists):
    """Put lists on the chain.

    LIST is a posting address or a list-id.  All are changed or none: the
    configuration must load, and the running Mailman must have been started
    with the plugin, which is asked over its REST API.

    A list on another chain than Mailman's default one is left there unless
    --replace names that chain.
    """
    mlists = _find_lists(ctx, lists)
    _loaded_settings(1)
    reasons = []
    if not is_down:
        reasons = [refusal(find_plugin().name)]
    replaceable = (DEFAULT_CHAIN, CHAIN, *replaced)
    reasons += [
        f'{mlist.fqdn_listname}: on {mlist.posting_chain}; to replace that, say '
        f'--replace {shlex.quote(mlist.posting_chain)}'
        for mlist in mlists
        if mlist.posting_chain not in replaceable
    ]
    if any(reasons):
        click.echo(
            '\n'.join([*filter(None, reasons), 'Nothing was changed.']), err=True
        )
        raise click.exceptions.Exit(1)
    for mlist in mlists:
        former = mlist.posting_chain
        _set_chain(mlist, CHAIN)
        if former not in (DEFAULT_CHAIN, CHAIN):
            undo = ['mailman', 'trustedserver', 'disable', '--to', former]
            click.echo(f'To undo it: {shlex.join([*undo, mlist.fqdn_listname])}')


@trustedserver.command()
@click.option(
    '--all',
    'every',
    is_flag=True,
    help='Take every list that is on the chain off it.',
)
@click.option(
    '--to',
    'chain',
    metavar='CHAIN',
    default=DEFAULT_CHAIN,
    help='Put the lists on this chain, which was replaced.',
)
@click.argument('lists', nargs=-1, metavar='LIST...')
@click.pass_context
def disable(ctx, every, chain, lists):
    """Take lists off the chain, back to Mailman's default one.

    LIST is a posting address or a list-id.  If one is unknown, none is
    changed.  Run this with --all before you remove the plugin.
    """
    if every == bool(lists):
        ctx.fail('Name the lists, or say --all.')
    if chain == CHAIN:
        ctx.fail(f'{CHAIN} is the chain that the lists are taken off.')
    if chain not in config.chains:
        ctx.fail(f'No such chain: {chain}')
    mlists = (
        getUtility(IListManager).mailing_lists if every else _find_lists(ctx, lists)
    )
    for mlist in list(mlists):
        if mlist.posting_chain == CHAIN:
            _set_chain(mlist, chain)
        elif not every:
            click.echo(
                f'{mlist.fqdn_listname}: not on {CHAIN}, left on {mlist.posting_chain}'
            )


@trustedserver.command()
@click.option(
    '--json',
    'as_json',
    is_flag=True,
    help='Print one JSON document, for programs.',
)
@click.option(
    '--list',
    'listspec',
    metavar='LIST',
    help='Judge each message as a post to this list.',
)
@click.argument('files', nargs=-1, required=True, metavar='FILE...')
@click.pass_context
def explain(ctx, as_json, listspec, files):
    """Show the route of a message, and whether it is trusted.

    FILE is an RFC 5322 message or an mbox file; - is standard input.  Without
    --list, the route alone is judged: what a list sets is not looked at.

    The exit code is 0 if every message is trusted, 1 if one is not, 2 if an
    input is unusable or the output cannot be written.
    """
    mlist = None if listspec is None else _find_lists(ctx, [listspec])[0]
    settings = _loaded_settings(UNUSABLE)
    exit_code = TRUSTED
    # The one JSON document is written piece by piece, so that no more than one
    # message is in memory.
    separator = '[\n'
    for name in files:
        for described in _explained(name, mlist, settings):
            if described is None:
                exit_code = UNUSABLE
                continue
            if as_json:
                document = json.dumps(described, indent=2)
                _print(separator + textwrap.indent(document, '  '), newline=False)
                separator = ',\n'
            else:
                _print(_drawing(described))
            if not described['trusted']:
                exit_code = max(exit_code, NOT_TRUSTED)
    if as_json:
        _print('[]' if separator == '[\n' else '\n]')
    raise click.exceptions.Exit(exit_code)


def _explained(name, mlist, settings):
    """Each message of a file described; None for what cannot be read."""
    try:
        with click.open_file(name, 'rb') as stream:
            for number, header in read_headers(stream):
                try:
                    yield {'file': name, **_described(header, mlist, settings)}
                except ValueError as error:
                    place = f'message {number}: ' if number else ''
                    _complain(f'{_escaped(name)}: {place}{error}')
                    yield None
    except (OSError, RuntimeError) as error:
        # Without a standard input, click raises the latter.
        cause = getattr(error, 'strerror', None) or error
        _complain(f'{_escaped(name)}: {cause}')
        yield None


def _described(data, mlist, settings):
    """A message as it is judged now; the one place that asks for a verdict."""
    if len(data) > MAX_HEADER_LENGTH:
        raise ValueError(f'the header is longer than {MAX_HEADER_LENGTH} octets')
    header = Header.parse(data)
    if mlist is None:
        verdict = evaluate(header.received, settings.policy, header.evidence())
        return describe(verdict, header)
    return {
        'list_id': mlist.list_id,
        'posting_chain': mlist.posting_chain,
        'mode': settings.mode,
        **describe(judge(mlist, header), header),
    }


def _complain(text):
    """Print to stderr; there is nobody to tell if that fails."""
    with suppress(OSError):
        click.echo(text, err=True)


def _print(text, newline=True):
    """Print; if nobody reads on, the exit code still tells the verdict."""
    try:
        click.echo(text, nl=newline)
    except OSError as error:
        # What could not be written would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _complain(f'The output cannot be written: {error.strerror or error}')
            raise click.exceptions.Exit(UNUSABLE) from None


def _escaped(text):
    """Text that is safe on a terminal."""
    return ''.join(
        character
        if character.isascii() and character.isprintable()
        else ascii(character)[1:-1]
        for character in text
    )


def _shown(text):
    """Text from a message, safe on a terminal and not too long."""
    cut = '...' if len(text) > MAX_SHOWN_LENGTH else ''
    return _escaped(text[:MAX_SHOWN_LENGTH]) + cut


def _drawing(description):
    """The route from the sender's program down to Mailman."""
    title = _escaped(description['file'])
    if description['message_id']:
        title += ': ' + _shown(description['message_id'])
    lines = [title, '']
    if description['fields_not_read']:
        lines += [
            f'    ({description["fields_not_read"]} older fields were '
            'not read: they change nothing)',
            '    |',
        ]
    for hop in reversed(description['hops']):
        lines += _drawn_hop(hop)
    if description['hops']:
        lines += ['    Mailman']
    verdict = 'trusted' if description['trusted'] else 'not trusted'
    lines += [
        '',
        _judged_as(description),
        f'{verdict} ({description["reason"]}): ' + description['explanation'],
        *textwrap.wrap(description['remedy'], WIDTH),
        '',
    ]
    return '\n'.join(lines)


def _judged_as(description):
    """What the verdict is about, and whether it has an effect."""
    if 'list_id' not in description:
        return 'The route alone (--list LIST judges it as a post to a list):'
    note = ''
    if description['posting_chain'] != CHAIN:
        note = f' (no effect: it is on {_escaped(description["posting_chain"])})'
    elif description['mode'] == OBSERVE:
        note = f' (no effect: the mode is {OBSERVE})'
    return f'As a post to {description["list_id"]}{note}:'


def _drawn_hop(hop):
    notes = [
        f'{key}: {hop[key]}'
        for key in ('trusted_local_servers', 'trusted_remote_servers')
        if hop[key] is not None
    ]
    if not hop['attested']:
        notes.append('anybody could have written this')
    elif hop['peer'] is not None and not notes:
        notes.append('on neither list')
    if hop['problem']:
        peer, notes = 'unreadable field', [hop['problem'], *notes]
    elif hop['reinjection']:
        peer = 'the same host'
    else:
        peer = hop['peer'] or 'address hidden or ambiguous'
    if hop['helo']:
        peer += f' (HELO {_shown(hop["helo"])})'
    arrow = [hop['protocol'] or '?']
    if hop['authenticated']:
        arrow.append('AUTH')
    return [
        f'    {peer}' + (f'   [{"; ".join(notes)}]' if notes else ''),
        f'    | {_shown(", ".join(arrow))}',
        f'    v  {_shown(hop["by"] or "?")}',
    ]


@public
@implementer(ICLISubCommand)
class TrustedServerCommand:
    name = 'trustedserver'
    command = trustedserver
