# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The `mailman trustedserver` subcommand."""

import click
import shlex

from functools import partial
from mailman.config import config
from mailman.interfaces.command import ICLISubCommand
from mailman.interfaces.listmanager import IListManager
from mailman_trustedserver.adapter import (
    find_plugin,
    find_signature,
    put_on_chain,
    settings_for,
    values_of,
)
from mailman_trustedserver.commands.audit import audit, suggest
from mailman_trustedserver.commands.checking import check
from mailman_trustedserver.commands.common import (
    find_lists,
    loaded_configuration,
    open_input,
    show,
)
from mailman_trustedserver.commands.importing import import_
from mailman_trustedserver.commands.report import report
from mailman_trustedserver.decision import decide, Obstacle, obstacles
from mailman_trustedserver.explaining import explain_files, UNUSABLE
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN
from mailman_trustedserver.nearest import nearest
from mailman_trustedserver.received import MalformedReceived, read
from mailman_trustedserver.report import escape
from mailman_trustedserver.running import refusal
from mailman_trustedserver.signatures import MAX_BODY
from public import public
from zope.component import getUtility
from zope.interface import implementer


@click.group()
def trustedserver():
    """Trust posts that came through the site's own mail servers."""


trustedserver.add_command(import_)
trustedserver.add_command(audit)
trustedserver.add_command(suggest)
trustedserver.add_command(report)
trustedserver.add_command(check)


@trustedserver.command()
def status():
    """Show each list and its posting chain."""
    mlists = sorted(
        getUtility(IListManager).mailing_lists, key=lambda mlist: mlist.list_id
    )
    if not mlists:
        show('There are no mailing lists.')
    width = max((len(mlist.fqdn_listname) for mlist in mlists), default=0)
    for mlist in mlists:
        note = ''
        values = values_of(mlist)
        found = obstacles(values, settings_for(values))
        # The chain stands there already.
        if found and Obstacle.POSTING_CHAIN not in found:
            note = f'  (no effect: {found[0].describe(values)})'
        show(f'{mlist.fqdn_listname:<{width}}  {mlist.posting_chain}' + note)


def _set_chain(mlist, chain):
    if mlist.posting_chain == chain:
        show(f'{mlist.fqdn_listname}: already on {chain}')
    else:
        put_on_chain(mlist, chain)
        show(f'{mlist.fqdn_listname}: now on {chain}')


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
def enable(replaced, is_down, lists):
    """Put lists on the chain.

    LIST is a posting address or a list-id.  All are changed or none: the
    configuration must load, and the running Mailman must have been started
    with the plugin, which is asked over its REST API.

    A list on another chain than Mailman's default one is left there unless
    --replace names that chain.
    """
    mlists = find_lists(lists)
    loaded_configuration(1)
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
            show(f'To undo it: {shlex.join([*undo, mlist.fqdn_listname])}')


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
    mlists = getUtility(IListManager).mailing_lists if every else find_lists(lists)
    for mlist in list(mlists):
        if mlist.posting_chain == CHAIN:
            _set_chain(mlist, chain)
        elif not every:
            show(
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
@click.option(
    '--field',
    metavar='FIELD',
    help='Show what is read in this Received field, or where reading it fails; '
    '- is standard input.',
)
@click.option(
    '--dns',
    is_flag=True,
    help='Look for the DKIM signature that dkim_remote_servers need, and ask DNS '
    'for its key.',
)
@click.argument('files', nargs=-1, metavar='[FILE...]')
@click.pass_context
def explain(ctx, as_json, listspec, field, dns, files):
    """Show the route of a message, and whether it is trusted.

    FILE is an RFC 5322 message or an mbox file; - is standard input.  Without
    --list, the route alone is judged: what a list sets is not looked at.

    The exit code is 0 if every message is trusted, 1 if one is not, 2 if an
    input is unusable or the output cannot be written.  With --field, it is 0 if
    the field is read and 1 if it is not.
    """
    if field is not None:
        if files or as_json or dns or listspec is not None:
            ctx.fail('--field stands alone.')
        raise click.exceptions.Exit(_explain_field(field))
    if not files:
        ctx.fail('Name the files, or say --field.')
    if dns and listspec is None:
        ctx.fail('--dns needs --list: a signature must name the list in To or Cc.')
    mlist = None if listspec is None else find_lists([listspec])[0]
    settings = loaded_configuration(UNUSABLE).site
    values = None
    if mlist is not None:
        values = values_of(mlist)
        settings = settings_for(values)

    def judge(header, message):
        def post():
            return message, header.received_at or 0.0

        signed = partial(find_signature, mlist, settings, post) if dns else None
        return decide(header, settings, values, signed=signed)

    max_body = MAX_BODY + 1 if dns else 0
    raise click.exceptions.Exit(
        explain_files(files, judge, open_input, as_json, max_body)
    )


def _explain_field(field):
    """Print what is read in a field, or how far it can be read."""
    if field == '-':
        try:
            with open_input(field) as stream:
                field = stream.read().decode('ascii', 'surrogateescape')
        except (OSError, RuntimeError) as error:
            click.echo(f'-: {error}', err=True)
            return UNUSABLE
    field = field.strip('\r\n')
    name, colon, value = field.partition(':')
    if colon and name.lower() == 'received':
        field = value
    try:
        hop, row = read(field)
    except MalformedReceived as error:
        show(f'The field is not read: {error}.')
        reading = nearest(field)
        if reading is not None:
            show(f'The nearest form is {reading.row.name} ({reading.row.versions}):')
            show(
                f'    {escape(reading.text[: reading.end])} ◄ '
                f'expected {reading.expected}'
            )
        return 1
    show(f'The field is read as {row.name} ({row.versions}):')
    for key in ('peer', 'helo', 'by', 'protocol', 'user'):
        value = getattr(hop, key)
        if value is not None:
            show(f'    {key}: {escape(str(value))}')
    for key in ('authenticated', 'reinjection'):
        show(f'    {key}: {"yes" if getattr(hop, key) else "no"}')
    return 0


@public
@implementer(ICLISubCommand)
class TrustedServerCommand:
    name = 'trustedserver'
    command = trustedserver
