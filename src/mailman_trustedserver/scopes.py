# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the site, and those of its domains and lists.

A file of the configuration may have sections beside that of the site:
`[domain:example.org]` and `[list:staff@example.org]`, by posting address or
List-ID, in any case.  Each inherits every key of the wider one, the list from
its domain and the domain from the site, and replaces those that it sets; an
empty value empties the inherited one.  Rules between keys hold for what comes
out.

Every host that any section has as a local server is a server of this Mailman:
on no list is it taken for a user.
"""

from __future__ import annotations

import re

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.settings import (
    digest_of,
    MailingList,
    parse_settings,
    Settings,
    SettingsError,
)
from typing import Any


__all__ = ['Configuration', 'parse_configuration']

_SCOPE = re.compile(r'(domain|list):(.*)', re.DOTALL)
_DOMAIN = re.compile(r'[\w-]+(?:\.[\w-]+)*')
# A posting address or a List-ID.
_LIST = re.compile(r'[^\s@]+@[\w-]+(?:\.[\w-]+)*|[^\s@]+\.[^\s@]+')


@dataclass(frozen=True)
class Configuration:
    """What is configured, for all lists.

    :ivar site: The settings of the site.
    :ivar domains: Those of each domain that has a section, by its name.
    :ivar lists: Those of each list that has one, by its name there and the domain
        that it inherits from, which is empty if that has no section.
    :ivar digest: Of everything, as `Settings.digest`.
    """

    site: Settings = field(default_factory=Settings)
    domains: Mapping[str, Settings] = field(default_factory=dict)
    lists: Mapping[tuple[str, str], Settings] = field(default_factory=dict)
    digest: str = field(default='', compare=False)

    @property
    def sections(self) -> dict[str, Settings]:
        """The settings of each section beside that of the site, by its name."""
        narrower = [
            *((f'domain:{name}', part) for name, part in self.domains.items()),
            *((f'list:{name}', part) for (name, _), part in self.lists.items()),
        ]
        return dict(narrower)

    @property
    def server_lists(self) -> Iterator[AddressList]:
        """The lists of servers of the site and of each section."""
        for settings in (self.site, *self.sections.values()):
            yield settings.policy.local
            for _, _, servers in settings.policy.outgoing_lists:
                yield servers

    @property
    def entries(self) -> int:
        """How many entries the lists of addresses have together."""
        return sum(len(servers.entries) for servers in self.server_lists)

    def for_list(self, mlist: MailingList) -> Settings:
        """The settings that are in force for a list.

        :param mlist: The list.
        """
        address = mlist.posting_address.lower()
        domain = address.rpartition('@')[2]
        domain = domain if domain in self.domains else ''
        for name in (address, mlist.list_id.lower()):
            found = self.lists.get((name, domain))
            if found is not None:
                return found
        return self.domains[domain] if domain else self.site


def parse_configuration(
    sections: Mapping[str, Mapping[str, str]], filename: str, site: str
) -> Configuration:
    """Make the configuration from the sections of one file.

    :param sections: The sections, each with its keys and values.
    :param filename: The name of the file, for errors.
    :param site: The name of the section of the site, which is there.
    :return: The configuration.
    :raises SettingsError: for the first mistake.
    """
    scopes: dict[str, dict[str, str]] = {'domain': {}, 'list': {}}
    known: dict[str, dict[str, str]] = {'domain': {}, 'list': {}}
    for section in sections:
        if section != site:
            kind, name = _read_name(section, filename, site)
            # By habit, a List-ID is the posting address with a dot in it.
            other = known[kind].setdefault(name.replace('@', '.'), section)
            if other != section:
                raise SettingsError(
                    filename,
                    section,
                    None,
                    f'[{other}] is for the same {kind}; keep one of them',
                )
            scopes[kind][name] = section
    parsed = _Parsed(sections, filename)
    own = parsed.settings(site)
    domains = {
        name: parsed.settings(site, section)
        for name, section in scopes['domain'].items()
    }
    lists = {}
    for name, section in scopes['list'].items():
        _, at, host = name.rpartition('@')
        # A List-ID does not say where its domain begins, nor must it have one.
        for domain in [host] if at else [*domains, '']:
            wider = [scopes['domain'][domain]] if domain in domains else []
            settings = parsed.settings(site, *wider, section)
            lists[name, domain if wider else ''] = settings
    digest = digest_of(sections)
    return _finished(Configuration(own, domains, lists, digest))


def _read_name(section: str, filename: str, site: str) -> tuple[str, str]:
    """The kind of a section, and the domain or list that it is for."""
    match = _SCOPE.fullmatch(section)
    if match is None:
        raise SettingsError(
            filename,
            section,
            None,
            f'this section is not known; there are [{site}], [domain:example.org] and '
            '[list:staff@example.org]',
        )
    kind, name = match[1], match[2].strip().lower()
    if not (_DOMAIN if kind == 'domain' else _LIST).fullmatch(name):
        example = 'domain:example.org' if kind == 'domain' else 'list:staff@example.org'
        raise SettingsError(
            filename,
            section,
            None,
            f'{name!a} is no {kind}; write one, such as [{example}]',
        )
    return kind, name


class _Parsed:
    """The settings of sections that inherit from one another."""

    def __init__(
        self, sections: Mapping[str, Mapping[str, str]], filename: str
    ) -> None:
        self._sections = sections
        self._filename = filename
        self._values: dict[tuple[str, str], Any] = {}

    def settings(self, *sections: str) -> Settings:
        """What is in force in the last of some sections, the widest first."""
        values: dict[str, str] = {}
        sources: dict[str, str] = {}
        for section in sections:
            values.update(self._sections[section])
            name = section
            if section != sections[0]:
                kind, _, scope = section.partition(':')
                name = f'{kind}:{scope.strip().lower()}'
            sources.update(dict.fromkeys(self._sections[section], name))
        settings = parse_settings(values, self._filename, sections[-1], self._values)
        return replace(settings, sources=sources)


def _finished(configuration: Configuration) -> Configuration:
    """The same, where each part knows the local servers and the digest of all."""
    parts = [
        configuration.site,
        *configuration.domains.values(),
        *configuration.lists.values(),
    ]
    local = {part.policy.local: None for part in parts}
    outgoing = {
        servers: None for part in parts for _, _, servers in part.policy.outgoing_lists
    }

    def finished(settings: Settings) -> Settings:
        policy = settings.policy
        if len(parts) > 1:
            policy = replace(
                policy, other_local=tuple(local), other_outgoing=tuple(outgoing)
            )
        return replace(settings, policy=policy, digest=configuration.digest)

    return replace(
        configuration,
        site=finished(configuration.site),
        domains={name: finished(part) for name, part in configuration.domains.items()},
        lists={name: finished(part) for name, part in configuration.lists.items()},
    )
