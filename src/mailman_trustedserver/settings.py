# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the plugin's configuration: text in, `Settings` out.

The keys stand in the plugin's own section of `mailman.cfg`, beside those that
Mailman itself knows, or in the section `[trustedserver]` of the file that
`configuration:` names.  Opening files is for the caller.

Every mistake is a `SettingsError` that names the file, the section, the key
and the entry and says what would be right.  A key that is not known is one: a
typo in a security setting must not pass.
"""

from __future__ import annotations

import configparser
import io
import re

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.policy import Policy, Submission
from mailman_trustedserver.shared_senders import microsoft_365_networks
from operator import attrgetter
from typing import Any, Callable, Optional


__all__ = [
    'FILE_SECTION',
    'MailingList',
    'Settings',
    'SettingsError',
    'digest_of',
    'parse_settings',
    'read_sections',
]

# The section of the file that `configuration:` names.
FILE_SECTION = 'trustedserver'

# What Mailman's schema has for a [plugin.…] section.
MAILMAN_KEYS = ('class', 'enabled', 'configuration', 'component_package')

# The names of Mailman's actions (`mailman.interfaces.action.Action`).
ACTIONS = ('hold', 'reject', 'discard', 'accept', 'defer')

# Those that a trusted post can bypass: to bypass `accept` would make it worse
# off, and `defer` decides nothing.
BYPASSABLE = ('hold', 'reject', 'discard')

MODES = ENFORCE, OBSERVE = ('enforce', 'observe')

# What Mailman takes for a boolean (`lazr.config.as_boolean`).
BOOLEANS = {
    **dict.fromkeys(('yes', 'true', 'on', '1', 'enabled', 'enable'), True),
    **dict.fromkeys(('no', 'false', 'off', '0', 'disabled', 'disable'), False),
}


# An error is cut here, and a line of a file that is shown in one.
MAX_ERROR_LENGTH = 2000
MAX_LINE_LENGTH = 300


class SettingsError(ValueError):
    """The configuration does not load.

    :ivar filename: The file.
    :ivar section: The section; None if the file as a whole is meant.
    :ivar key: The key; None if the section as a whole is meant.
    :ivar problem: What is wrong, with the entry, and what would be right.
    """

    def __init__(
        self,
        filename: str,
        section: Optional[str],
        key: Optional[str],
        problem: str,
    ) -> None:
        super().__init__(filename, section, key, problem)
        self.filename = filename
        self.section = section
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        place = self.filename
        if self.section is not None:
            place += f' [{self.section}]'
        if self.key is not None:
            place += f' {self.key}'
        line = ' '.join(f'{place}: {self.problem}'.split())
        if len(line) > MAX_ERROR_LENGTH:
            line = line[:MAX_ERROR_LENGTH] + ' ...'
        # Names may have control characters, and bytes that are no UTF-8.
        return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


@dataclass(frozen=True)
class Settings:
    """What the administrator configured.

    :ivar policy: What the site trusts.
    :ivar nonmember_actions: The values of a list's `default_nonmember_action`
        under which a trusted post bypasses moderation.
    :ivar bypassed_actions: The decisions of moderation that it bypasses.
    :ivar mode: `enforce`, or `observe`: the verdict is logged, no more.
    :ivar digest: Of the configuration as a whole, to tell one from another: twelve
        hexadecimal digits.
    :ivar sources: The section that each key has its value from; a key that is not
        there has its default.
    """

    policy: Policy = field(default_factory=Policy)
    nonmember_actions: frozenset[str] = frozenset(('hold',))
    bypassed_actions: frozenset[str] = frozenset(BYPASSABLE)
    mode: str = ENFORCE
    digest: str = field(default='', compare=False)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def values(self) -> dict[str, Any]:
        """The value of every key as JSON can hold it, defaults included."""
        return {
            name: key.plain(
                getattr(
                    self if key.member in Settings.__annotations__ else self.policy,
                    key.member,
                )
            )
            for name, key in _KEYS.items()
        }

    def own_values(self, section: str) -> dict[str, Any]:
        """The same for the keys that a section sets itself.

        :param section: Its name.
        """
        return {
            key: value
            for key, value in self.values.items()
            if self.sources.get(key) == section
        }

    def with_entries(self, key: str, entries: Iterable[str]) -> Settings:
        """The same settings with more entries in a list of servers.

        :param key: The key of the list.
        :param entries: The entries.
        :raises ValueError: for the first entry that is none.
        """
        member = _KEYS[key].member
        present: AddressList = getattr(self.policy, member)
        servers = AddressList.parse([*present.entries, *entries])
        lists: dict[str, Any] = {member: servers}
        return replace(self, policy=replace(self.policy, **lists))


@dataclass(frozen=True)
class MailingList:
    """What a decision depends on in a mailing list.

    :ivar list_id: Its List-ID.
    :ivar posting_address: Where its posts are sent.
    :ivar posting_chain: The name of the chain that its posts go through.
    :ivar default_nonmember_action: The name of that action.
    """

    list_id: str
    posting_address: str
    posting_chain: str
    default_nonmember_action: str


def read_sections(text: str, filename: str) -> dict[str, dict[str, str]]:
    """Split the text of a configuration file into sections.

    :param text: The text.
    :param filename: The name of the file, for errors.
    :return: The sections, each a dictionary of keys and values.
    :raises SettingsError: if the text is no ini file.
    """
    parser = _Parser(filename)
    try:
        parser.read_file(parser.lines(text), filename)
    except configparser.Error as error:
        raise SettingsError(
            filename,
            None,
            None,
            f'{str(error)[:MAX_LINE_LENGTH]}; write sections in brackets and under '
            'each its keys, as key: value',
        ) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


class _Parser(configparser.ConfigParser):
    """A parser that stops at the first line that is wrong, in linear time.

    `ConfigParser` collects all of them, in a message that it copies for each,
    and its own expression for a line with a key goes through a run of blanks
    once for each of them.  A file of a few MB that is no configuration, such as
    a log, would take it hours.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.number = 0
        # The expression, of which `ConfigParser` calls nothing but match().
        self.OPTCRE = self  # type: ignore[misc, assignment]
        # Like Mailman's own reader, this takes a section or key that stands
        # twice and leaves `%` alone.  No section is a source of defaults for
        # others.
        super().__init__(interpolation=None, strict=False, default_section='')

    def lines(self, text: str) -> Iterator[str]:
        for self.number, line in enumerate(io.StringIO(text), start=1):
            yield line

    def match(self, line: str) -> re.Match[str]:
        match = _KEY_LINE.match(line)
        if match is None:
            raise configparser.Error(
                f'Source contains parsing errors: {self.filename!r}, '
                f'line {self.number}: {line[:MAX_LINE_LENGTH]!a}'
            )
        return match


# Of a line without the white space around it.
_KEY_LINE = re.compile(r'(?P<option>[^:=]+)(?P<vi>[:=])(?P<value>.*)', re.DOTALL)


def parse_settings(
    values: Mapping[str, str],
    filename: str,
    section: Optional[str] = None,
    parsed: Optional[dict[tuple[str, str], Any]] = None,
) -> Settings:
    """Make the settings from the keys of one section.

    :param values: The keys with their values, Mailman's own left out.
    :param filename: The name of the file, for errors.
    :param section: The name of the section, for errors; None if there is none.
    :param parsed: What was parsed before, by key and value, and is after this.
    :return: The settings.
    :raises SettingsError: for the first mistake.
    """
    parsed = {} if parsed is None else parsed
    policy: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _KEYS:
            raise SettingsError(
                filename,
                section,
                key,
                'this key is not known; the known keys are ' + ', '.join(_KEYS),
            )
        member = _KEYS[key].member
        into = others if member in Settings.__annotations__ else policy
        try:
            if (key, value) not in parsed:
                parsed[key, value] = _KEYS[key].parse(value)
            into[member] = parsed[key, value]
        except ValueError as error:
            raise SettingsError(filename, section, key, str(error)) from None
    if 'dkim' in policy and policy['dkim'].entries and not policy.get('sender_domains'):
        raise SettingsError(
            filename,
            section,
            'dkim_remote_servers',
            'these servers sign for whoever pays for it; write into sender_domains '
            'the domains that members send from, such as example.org',
        )
    if 'microsoft_365_servers' not in values and policy.get('microsoft_365_tenants'):
        policy['microsoft_365'] = AddressList(microsoft_365_networks())
    return Settings(Policy(**policy), **others, digest=digest_of(values))


def digest_of(values: Mapping[str, Any]) -> str:
    """Tell one configuration from another.

    :param values: Keys with their values, or sections with these.
    :return: Twelve hexadecimal digits.
    """
    # The second loads OpenSSL, which most programs do not need.
    import json

    from hashlib import sha256

    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def _addresses(value: str) -> AddressList:
    return AddressList.parse(value.split())


def _choice(value: str, choices: Iterable[str]) -> str:
    word = value.strip().lower()
    if word not in choices:
        raise ValueError(f'{word!a} is not a value; write one of ' + ', '.join(choices))
    return word


def _submission(value: str) -> Submission:
    return Submission(_choice(value, [member.value for member in Submission]))


def _mode(value: str) -> str:
    return _choice(value, MODES)


def _boolean(value: str) -> bool:
    if value.strip().lower() in BOOLEANS:
        return BOOLEANS[value.strip().lower()]
    raise ValueError(f'{value.strip()!a} is not a value; write yes or no')


def _actions(value: str) -> frozenset[str]:
    return frozenset(_choice(word, ACTIONS) for word in value.split())


def _users(value: str) -> frozenset[str]:
    for word in value.split():
        if not re.fullmatch(r'[\w.][\w.-]*\$?', word, re.ASCII):
            raise ValueError(
                f'{word!a} is no user; write names or numbers of users, as the '
                'server writes them, separated by white space'
            )
    return frozenset(value.split())


def _domains(value: str, subdomains: bool = False) -> frozenset[str]:
    for word in value.split():
        name = word[1:] if subdomains and word.startswith('.') else word
        if not re.fullmatch(r'[\w-]+(?:\.[\w-]+)+', name):
            below = '; .example.org is every domain below it' if subdomains else ''
            raise ValueError(
                f'{word!a} is no domain; write domains, such as example.org, separated '
                f'by white space{below}'
            )
    return frozenset(value.split())


def _sender_domains(value: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _domains(value, subdomains=True))


def _bypassed_actions(value: str) -> frozenset[str]:
    return frozenset(_choice(word, BYPASSABLE) for word in value.split())


@dataclass(frozen=True)
class _Key:
    """How a key is read and shown.

    :ivar parse: From the text of its value to a value.
    :ivar member: The member of `Policy` or `Settings` that has the value.
    :ivar plain: From the value to one that JSON can hold.
    """

    parse: Callable[[str], Any]
    member: str
    plain: Callable[[Any], Any]


def _entries(servers: AddressList) -> list[str]:
    return list(servers.entries)


def _same(value: Any) -> Any:
    return value


_KEYS: dict[str, _Key] = {
    'trusted_local_servers': _Key(_addresses, 'local', _entries),
    'trusted_remote_servers': _Key(_addresses, 'remote', _entries),
    'authenticated_remote_servers': _Key(_addresses, 'authenticated', _entries),
    'dedicated_remote_servers': _Key(_addresses, 'dedicated', _entries),
    'dkim_remote_servers': _Key(_addresses, 'dkim', _entries),
    'microsoft_365_tenants': _Key(_domains, 'microsoft_365_tenants', sorted),
    'microsoft_365_servers': _Key(_addresses, 'microsoft_365', _entries),
    'sender_domains': _Key(_sender_domains, 'sender_domains', sorted),
    'submission': _Key(_submission, 'submission', attrgetter('value')),
    'local_submission': _Key(_boolean, 'local_submission', _same),
    'reinjection_users': _Key(_users, 'reinjection_users', sorted),
    'alias_hops': _Key(_boolean, 'alias_hops', _same),
    'nonmember_actions': _Key(_actions, 'nonmember_actions', sorted),
    'bypassed_actions': _Key(_bypassed_actions, 'bypassed_actions', sorted),
    'mode': _Key(_mode, 'mode', _same),
}
