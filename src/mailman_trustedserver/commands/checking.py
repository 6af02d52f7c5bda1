# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver check`: what is configured, and what is seldom meant."""

import click
import os
import stat

from contextlib import suppress
from itertools import islice
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman_trustedserver.adapter import find_plugin, values_of
from mailman_trustedserver.commands.common import (
    find_lists,
    loaded_configuration,
    show,
)
from mailman_trustedserver.names import MODERATION_RULES
from mailman_trustedserver.report import describe_configuration, escape
from mailman_trustedserver.running import comparison
from mailman_trustedserver.scopes import Configuration
from pathlib import Path
from zope.component import getUtility


# To so many listed servers a route is looked up.
MAX_SERVERS = 100


@click.command()
@click.option(
    '--strict',
    is_flag=True,
    help='Fail if there is a warning; a note is none.',
)
@click.option(
    '--json',
    'as_json',
    is_flag=True,
    help='Print one JSON document, for programs.',
)
@click.option(
    '--dns',
    is_flag=True,
    help='Ask DNS whether an outgoing server is the MX of a domain.',
)
@click.argument('listspec', required=False, metavar='[LIST]')
def check(strict, as_json, dns, listspec):
    """Load the configuration and print what it means, for the site or for LIST.

    Warnings say what is seldom meant, and what to do; docs/checks.md has them all.

    The exit code is 1 if the configuration does not load or, with --strict, if
    there is a warning, and 2 if there is no such list or the output cannot be
    written.
    """
    # In every process of Mailman, these would be imported for nothing.
    from mailman_trustedserver.advice.lint import Level, lint

    configuration = loaded_configuration(1)
    name = find_plugin().name
    title, mlists = f'The configuration of [plugin.{name}] loads.', None
    if listspec is not None:
        mlists = tuple(map(values_of, find_lists([listspec])))
        configuration = Configuration(
            configuration.for_list(mlists[0]), digest=configuration.digest
        )
        title = f'In force for {mlists[0].posting_address}:'
    findings = lint(configuration, _facts(configuration, mlists, dns))
    state = comparison(name, configuration.digest)
    if as_json:
        show(_document(configuration, mlists, state, findings))
    else:
        lines = [title, *_settings_lines(configuration, state, mlists is not None)]
        lines += _finding_lines(findings)
        show('\n'.join(lines))
    if strict and any(one.lint.level is Level.WARNING for one in findings):
        raise click.exceptions.Exit(1)


def _document(configuration, mlists, state, findings):
    """One JSON document with all of it."""
    import json

    document = {
        'list': mlists and mlists[0].posting_address,
        **describe_configuration(configuration),
        'comparison': state,
        'lints': [one.values for one in findings],
    }
    return json.dumps(document, indent=2)


def _settings_lines(configuration, state, with_sources):
    site = configuration.site
    yield from _value_lines(site, site.values, with_sources)
    yield f'digest: {configuration.digest}'
    yield escape(state)
    for section, settings in configuration.sections.items():
        yield f'[{section}]'
        yield from _value_lines(settings, settings.own_values(section), False)


def _value_lines(settings, values, with_sources):
    """Keys with their values, and the section that each has its value from."""
    for key, value in values.items():
        source = ''
        if with_sources:
            section = settings.sources.get(key)
            source = '   (default)' if section is None else f'   (from [{section}])'
        if key in ('trusted_local_servers', 'trusted_remote_servers'):
            yield f'{key}:{source}'
            for entry in value or ['(none)']:
                yield f'    {entry}'
            continue
        if isinstance(value, list):
            value = ' '.join(value) or '(none)'
        elif isinstance(value, bool):
            value = 'yes' if value else 'no'
        yield f'{key}: {value}{source}'


def _finding_lines(findings):
    for one in findings:
        level = one.lint.level.value.capitalize()
        yield escape(f'{level} ({one.lint.number}): {one.text}')
        yield escape(f'    {one.remedy}')
    if findings:
        yield 'docs/checks.md says more of each number.'


# What is known of the host and of Mailman.


def _facts(configuration, mlists, dns):
    """The facts that the lints hang on.

    :param mlists: The lists that are asked for; None for all.
    :param dns: Whether to ask DNS.
    """
    from datetime import date
    from mailman_trustedserver.advice.lint import Facts
    from mailman_trustedserver.resolver import mail_exchangers

    domains = None
    if mlists is None:
        mlists = tuple(map(values_of, getUtility(IListManager).mailing_lists))
        domains = frozenset(one.mail_host.lower() for one in getUtility(IDomainManager))
    return Facts(
        today=date.today(),
        routes=tuple(_routes(configuration)),
        lmtp=_lmtp_addresses(),
        domains=domains,
        lists=mlists,
        rules=dict(_foreign_rules()),
        writable=tuple(filter(_others_can_write, find_plugin().paths)),
        web_archive=_is_installed('hyperkitty') or _is_installed('mailman_hyperkitty'),
        exchangers=mail_exchangers(_mail_domains(configuration, mlists)) if dns else {},
    )


def _mail_domains(configuration, mlists):
    """The domains that people of the site write from, or lists are in."""
    names = {one.posting_address.lower().rpartition('@')[2] for one in mlists}
    for settings in (configuration.site, *configuration.sections.values()):
        names |= {name.lstrip('.') for name in settings.policy.sender_domains}
    return sorted(names)


def _routes(configuration):
    """The address from which this host would send to each listed server."""
    import socket

    from ipaddress import IPv4Address, IPv6Address
    from mailman_trustedserver.addresses import parse_address

    servers = (
        IPv4Address(first) if version == 4 else IPv6Address(first)
        for listed in configuration.server_lists
        for version, first, _, _ in listed.ranges
    )
    for server in islice(servers, MAX_SERVERS):
        family = socket.AF_INET if server.version == 4 else socket.AF_INET6
        # Nothing is sent: the system only looks for a route.
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.connect((str(server), 25))
            yield parse_address(udp.getsockname()[0]), server


def _lmtp_addresses():
    """Where the LMTP of Mailman listens."""
    import socket

    from mailman_trustedserver.addresses import parse_address

    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(
            config.mta.lmtp_host or None,
            config.mta.lmtp_port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        return tuple(dict.fromkeys(parse_address(where[0]) for *_, where in found))
    return ()


def _foreign_rules():
    """The rules in the place of Mailman's, each with its module."""
    for name in MODERATION_RULES:
        module = type(config.rules[name]).__module__
        if not module.startswith('mailman.rules.'):
            yield name, module


def _others_can_write(path):
    """Whether everybody can write a file, or put another one in its place."""
    with suppress(OSError):
        file = Path(path).resolve()
        if os.stat(file).st_mode & stat.S_IWOTH:
            return True
        # In a sticky folder, such as /tmp, nobody can replace what is another's.
        return any(
            mode & stat.S_IWOTH and not mode & stat.S_ISVTX
            for mode in (os.stat(folder).st_mode for folder in file.parents)
        )
    return False


def _is_installed(package):
    from importlib.util import find_spec

    return find_spec(package) is not None
