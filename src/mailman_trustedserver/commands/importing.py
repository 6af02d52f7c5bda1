# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver import`."""

import click

from datetime import date
from mailman_trustedserver.commands.common import open_input
from mailman_trustedserver.configuration import MAX_FILE_LENGTH
from mailman_trustedserver.explaining import UNUSABLE
from mailman_trustedserver.output import cause, complain, Unwritable, write
from mailman_trustedserver.report import escape
from mailman_trustedserver.signatures import DnsFailure


# What each option reads, for errors.
_SOURCES = {
    'mm2': 'name the mm_cfg.py of Mailman 2',
    'spamassassin': 'name the local.cf of SpamAssassin',
    'postfix': 'give what postconf -h mynetworks prints, by a pipe or in a file',
    'rspamd': 'name the options.inc or external_relay.conf of rspamd',
}

# RFC 7208 4.6.4 gives a receiver as much for all questions of a record.
_SPF_SECONDS = 20.0


@click.command(name='import')
@click.option(
    '--mm2',
    metavar='FILE',
    help='The lists of the handler TrustedServerModerate, from the mm_cfg.py of '
    'Mailman 2.',
)
@click.option(
    '--spamassassin',
    metavar='FILE',
    multiple=True,
    help='trusted_networks, internal_networks and msa_networks.  May be repeated.',
)
@click.option(
    '--postfix',
    metavar='[FILE]',
    is_flag=False,
    flag_value='-',
    help='What postconf -h mynetworks prints, as candidates.',
)
@click.option(
    '--rspamd',
    metavar='FILE',
    multiple=True,
    help='local_addrs and the relays of external_relay, as candidates.  May be '
    'repeated.',
)
@click.option(
    '--spf',
    metavar='DOMAIN',
    help='The servers that the SPF record of a domain passes.',
)
@click.pass_context
def import_(ctx, /, **options):
    """Print a piece of configuration, from what another system trusts.

    FILE is a file; - is standard input.  Nothing is changed: look at what is
    printed, and paste it into the configuration.  Where each entry comes from and
    what could not be carried over stand in comments, and so do candidates, which
    are for you to choose from.

    The exit code is 0 if something is printed, 2 if an input is unusable or the
    output cannot be written.
    """
    given = {option: value for option, value in options.items() if value}
    if len(given) != 1:
        ctx.fail('Name one source, such as --mm2 mm_cfg.py.')
    ((option, value),) = given.items()
    names = [value] if isinstance(value, str) else value
    raise click.exceptions.Exit(_import(option, names))


def _import(option, names):
    """Print the snippet; return the exit code."""
    from mailman_trustedserver.advice.importing import Unusable

    try:
        snippet = _importer(option)(names)
        what = escape(' '.join([f'--{option}', *names]))
        write(f'# On {date.today()}, from mailman trustedserver import {what}:')
        for line in snippet.lines():
            write(line)
    except Unusable as error:
        complain(escape(str(error)))
        return UNUSABLE
    except DnsFailure as error:
        complain(
            f'{escape(names[0])}: DNS does not answer ({escape(str(error))}); look '
            'whether this host reaches its name servers, and try again'
        )
        return UNUSABLE
    except Unwritable:
        return UNUSABLE
    return 0


def _importer(option):
    """A function from the names that an option gives to a snippet."""
    from mailman_trustedserver.advice import (
        mailman_2,
        postfix,
        rspamd,
        spamassassin,
        spf,
    )

    def read(name):
        return _read(option, name)

    def read_text(name):
        return _text(read(name))

    def read_patterns(name):
        return _text(_bytes(name))

    def read_all(names):
        return [(name, read_text(name)) for name in names]

    def read_spf(names):
        from mailman_trustedserver.resolver import KeyRecords

        domain = spf.read_domain(names[0])
        return spf.import_spf(domain, KeyRecords(seconds=_SPF_SECONDS).text_records())

    return {
        'mm2': lambda names: mailman_2.import_mailman_2(read(names[0]), names[0]),
        'spamassassin': lambda names: spamassassin.import_spamassassin(read_all(names)),
        'postfix': lambda names: postfix.import_postfix(
            read_text(names[0]), names[0], read_patterns
        ),
        'rspamd': lambda names: rspamd.import_rspamd(read_all(names)),
        'spf': read_spf,
    }[option]


def _read(option, name):
    """The bytes of a file that may hold a configuration."""
    from mailman_trustedserver.advice.importing import Unusable

    try:
        data = _bytes(name)
        if not data.strip():
            raise ValueError('it is empty')
    except (OSError, RuntimeError, ValueError) as error:
        # click has a RuntimeError if there is no standard input.
        raise Unusable(f'{name}: {cause(error)}; {_SOURCES[option]}') from None
    return data


def _bytes(name):
    with open_input(name) as stream:
        if stream.isatty():
            raise ValueError('it is a terminal')
        data = stream.read(MAX_FILE_LENGTH + 1)
    if len(data) > MAX_FILE_LENGTH:
        raise ValueError(f'it is longer than {MAX_FILE_LENGTH} octets')
    if b'\0' in data:
        raise ValueError('it is a binary file')
    return data


def _text(data):
    return data.decode('utf-8', 'replace')
