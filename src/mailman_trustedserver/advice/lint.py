# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What loads but is seldom meant: one table, in `LINTS`.

A lint looks at the settings of the site, of a domain or of a list, and at what is
known of the host and of Mailman.  Its number is for good; docs/checks.md has the
table.  To do what a remedy says never has more trusted than before, but for what
the remedy itself makes a condition.

Bounds: of one lint and section, `MAX_FINDINGS` findings are kept and the others
counted.  The time grows with the entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache
from mailman_trustedserver.addresses import (
    Address,
    AddressList,
    parse_address,
    PRIVATE,
)
from mailman_trustedserver.decision import Obstacle, obstacles
from mailman_trustedserver.expressions import compile_expression, has_no_end
from mailman_trustedserver.names import CHAIN
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import MailingList, OBSERVE, Settings
from mailman_trustedserver.shared_senders import file_date, is_old, shared_with
from typing import Any, Callable, Optional


__all__ = ['LINTS', 'MAX_FINDINGS', 'Facts', 'Finding', 'Level', 'Lint', 'lint']

# More than these nobody reads.
MAX_FINDINGS = 10

# An organisation has some servers, a large one some hundred.
MANY_ENTRIES = 100_000

# A network of more addresses than these is wide: /16, and /32 of IPv6.
_WIDE = {4: 1 << 16, 6: 1 << 96}

# An expression that takes in all of these takes in every address.
_PROBES_4 = ('1.1.1.1', '9.99.200.64', '27.3.0.250', '64.8.176.5', '203.0.113.33')
_PROBES_6 = ('::7', '2001:db8::1', 'fe80::beef', '3ffe:1:2:3:4:5:6:8', 'a::9c:d')

_PRIVATE = AddressList.parse(PRIVATE)
_LOOPBACK = parse_address('127.0.0.1')

_LOCAL = 'trusted_local_servers'

# The proofs where whoever gets a message to the server is believed.
_WITHOUT_AUTH = ('single-hop', 'dedicated')
# Those where the address is no part of it, so that strangers may share the server.
_BY_SENDER = ('microsoft-365', 'dkim')

Details = Mapping[str, str]


class Level(str, Enum):
    """What a finding is.

    A note is about what may well be meant, or what nobody can mend in the
    configuration: `check --strict` does not fail on it.
    """

    WARNING = 'warning'
    NOTE = 'note'


@dataclass(frozen=True)
class Facts:
    """What is known of the host and of Mailman; no lint hangs on what is not.

    :ivar today: The day.
    :ivar routes: Pairs of an address of this host and the listed server to which
        it would send from that.
    :ivar lmtp: The addresses on which Mailman's LMTP listens.
    :ivar domains: The domains of Mailman, in lower case; None if not known.
    :ivar lists: Its lists; None if not known.
    :ivar rules: For each rule whose decisions a trusted post bypasses and that is
        not Mailman's own, the module that it is from.
    :ivar writable: The files of the configuration that others can write.
    :ivar web_archive: Whether HyperKitty is there.
    :ivar exchangers: For each domain the addresses of its MX; None for one without
        an answer.
    """

    today: Optional[date] = None
    routes: tuple[tuple[Address, Address], ...] = ()
    lmtp: tuple[Address, ...] = ()
    domains: Optional[frozenset[str]] = None
    lists: Optional[tuple[MailingList, ...]] = None
    rules: Mapping[str, str] = field(default_factory=dict)
    writable: tuple[str, ...] = ()
    web_archive: bool = False
    exchangers: Mapping[str, Optional[frozenset[Address]]] = field(default_factory=dict)


class _Comparisons:
    """What was compared before: several sections may have the same lists."""

    def __init__(self) -> None:
        self.pairs = lru_cache(maxsize=None)(AddressList.shared_with)
        self.shadowed = lru_cache(maxsize=None)(AddressList.shadowed)
        self.services = lru_cache(maxsize=None)(shared_with)
        self.shapes = lru_cache(maxsize=None)(_shapes)


@dataclass(frozen=True)
class _View:
    """What a lint looks at: one section, and all else.

    :ivar section: The name of the section; empty for that of the site.
    """

    section: str
    settings: Settings
    configuration: Configuration
    facts: Facts
    compare: _Comparisons

    @property
    def outgoing(self) -> tuple[tuple[str, str, AddressList], ...]:
        """The key, the proof and the servers of each list that is in force."""
        return self.settings.policy.outgoing_lists

    @property
    def local(self) -> AddressList:
        return self.settings.policy.local

    @property
    def lists(self) -> list[tuple[str, str, AddressList]]:
        """The same as `outgoing`, and the local list, which has no proof."""
        return [(_LOCAL, '', self.local), *self.outgoing]


@dataclass(frozen=True, eq=False)
class Lint:
    """One thing that is seldom meant.

    :ivar number: Its number, which stays.
    :ivar name: A name for people.
    :ivar sentence: What is so, with the details in braces.
    :ivar remedy: What to do, likewise.
    :ivar find: What finds it in a section; it gives the details.
    :ivar level: Whether `--strict` fails on it.
    :ivar whole: Whether it is about the configuration as a whole, and is asked once.
    """

    number: str
    name: str
    sentence: str
    remedy: str
    find: Callable[[_View], Iterable[Details]]
    level: Level = Level.WARNING
    whole: bool = False

    @property
    def manual(self) -> str:
        """Where the manual has it."""
        return f'docs/checks.md#{self.number.lower()}'


@dataclass(frozen=True)
class Finding:
    """A lint that found something.

    :ivar lint: The lint.
    :ivar section: The section that it is about; empty for that of the site.
    :ivar details: What its sentences are filled with.
    :ivar more: How many more there are of the same lint and section.
    """

    lint: Lint
    section: str
    details: Details
    more: int = 0

    @property
    def text(self) -> str:
        """The sentence, with the section."""
        place = f'[{self.section}]: ' if self.section else ''
        more = f' (And {self.more} more like this.)' if self.more else ''
        return place + self.lint.sentence.format_map(self.details) + more

    @property
    def remedy(self) -> str:
        """What to do."""
        return self.lint.remedy.format_map(self.details)

    @property
    def values(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            'number': self.lint.number,
            'name': self.lint.name,
            'level': self.lint.level.value,
            'section': self.section,
            'text': self.text,
            'remedy': self.remedy,
            'manual': self.lint.manual,
            'more': self.more,
        }


def lint(configuration: Configuration, facts: Optional[Facts] = None) -> list[Finding]:
    """Look at a configuration.

    :param configuration: The configuration.
    :param facts: What is known beside it.
    :return: What was found; what a section has from a wider one is told there.
    """
    compare = _Comparisons()
    found: dict[tuple[str, Lint], dict[tuple[str, ...], Details]] = {}
    for section, wider, settings in _scopes(configuration):
        view = _View(section, settings, configuration, facts or Facts(), compare)
        for one in LINTS:
            if section and one.whole:
                continue
            known = [found.get((name, one), {}) for name in wider]
            for details in one.find(view):
                key = tuple(details.values())
                if not any(key in others for others in known):
                    place = details.get('section', section)
                    found.setdefault((place, one), {})[key] = details
    return [
        Finding(one, section, details, more)
        for (section, one), every in found.items()
        for details, more in _first(list(every.values()))
    ]


def _scopes(
    configuration: Configuration,
) -> Iterator[tuple[str, tuple[str, ...], Settings]]:
    """Each section, those that it inherits from, and its settings."""
    yield '', (), configuration.site
    for name, settings in configuration.domains.items():
        yield f'domain:{name}', ('',), settings
    for (name, domain), settings in configuration.lists.items():
        yield f'list:{name}', ('', f'domain:{domain}'), settings


def _first(every: list[Details]) -> Iterator[tuple[Details, int]]:
    for position, details in enumerate(every[:MAX_FINDINGS], start=1):
        yield details, len(every) - position if position == MAX_FINDINGS else 0


# What an entry takes in.


def _shapes(servers: AddressList) -> dict[str, list[str]]:
    """Entries by what they are: every address, wide, or without an end."""
    found: dict[str, list[str]] = {'every': [], 'wide': [], 'open': []}
    for version, first, last, entry in servers.ranges:
        count = last - first + 1
        if count > _WIDE[version]:
            every = count == 1 << (32 if version == 4 else 128)
            found['every' if every else 'wide'].append(entry)
    for entry in servers.entries:
        if entry.startswith('^'):
            match = compile_expression(entry).match
            if any(all(map(match, probes)) for probes in (_PROBES_4, _PROBES_6)):
                found['every'].append(entry)
            elif has_no_end(entry):
                found['open'].append(entry)
    return found


def _every_address(view: _View) -> Iterator[Details]:
    for key, _, servers in view.lists:
        for entry in view.compare.shapes(servers)['every']:
            yield {'key': key, 'entry': entry}


def _wide_network(view: _View) -> Iterator[Details]:
    for key, proof, servers in view.lists:
        if proof not in _BY_SENDER:
            for entry in view.compare.shapes(servers)['wide']:
                yield {'key': key, 'entry': entry}


def _open_expression(view: _View) -> Iterator[Details]:
    for key, _, servers in view.lists:
        for entry in view.compare.shapes(servers)['open']:
            yield {'key': key, 'entry': entry}


def _shadowed_entry(view: _View) -> Iterator[Details]:
    for key, _, servers in view.lists:
        for entry, other in view.compare.shadowed(servers):
            yield {'key': key, 'entry': entry, 'other': other}


def _many_entries(view: _View) -> Iterator[Details]:
    for key, _, servers in view.lists:
        if len(servers.entries) >= MANY_ENTRIES:
            yield {'key': key, 'number': f'{len(servers.entries):,}'}


# Lists against one another.


def _on_both(view: _View, without_auth: bool) -> Iterator[Details]:
    for key, proof, servers in view.outgoing:
        if (proof in _WITHOUT_AUTH) is without_auth:
            for local, other in view.compare.pairs(view.local, servers):
                yield {'local': local, 'key': key, 'entry': other}


def _relay_is_outgoing(view: _View) -> Iterator[Details]:
    return _on_both(view, True)


def _local_and_outgoing(view: _View) -> Iterator[Details]:
    return _on_both(view, False)


def _several_proofs(view: _View) -> Iterator[Details]:
    for number, (key, _, servers) in enumerate(view.outgoing):
        for other_key, _, others in view.outgoing[number + 1 :]:
            for entry, other in view.compare.pairs(servers, others):
                yield {
                    'key': key,
                    'entry': entry,
                    'other_key': other_key,
                    'other': other,
                }


def _loopback_is_outgoing(view: _View) -> Iterator[Details]:
    for key, _, servers in view.outgoing:
        if _LOOPBACK in servers:
            yield {'key': key}


def _shared_sender(view: _View) -> Iterator[Details]:
    for key, proof, servers in view.outgoing:
        if proof not in _BY_SENDER:
            for entry, sender in view.compare.services(servers):
                yield {
                    'key': key,
                    'entry': entry,
                    'service': sender.name,
                    'right': sender.key,
                }


def _private_in_two_domains(view: _View) -> Iterator[Details]:
    """Those that hold one another, of sections that set them themselves."""
    sections = [
        (f'domain:{name}', key, servers)
        for name, settings in view.configuration.domains.items()
        for key, _, servers in settings.policy.outgoing_lists
        if settings.sources.get(key) == f'domain:{name}'
    ]
    ranges = sorted(
        (version, first, -last, number, entry)
        for number, (_, _, servers) in enumerate(sections)
        for version, first, last, entry in servers.ranges
        if any(
            version == private and low <= first and last <= high
            for private, low, high, _ in _PRIVATE.ranges
        )
    )
    outer = None
    for one in ranges:
        if outer is None or outer[0] != one[0] or one[1] > -outer[2]:
            outer = one
        section, key, _ = sections[one[3]]
        other = sections[outer[3]][0]
        if section != other:
            yield {'section': section, 'key': key, 'entry': one[4], 'other': other}


def _exchanger_is_outgoing(view: _View) -> Iterator[Details]:
    for domain, addresses in view.facts.exchangers.items():
        for key, proof, servers in view.outgoing:
            for address in sorted(map(str, addresses or ())):
                entry = servers.match(parse_address(address))
                if proof in _WITHOUT_AUTH and entry is not None:
                    yield {'key': key, 'entry': entry, 'domain': domain}


def _exchanger_not_known(view: _View) -> Iterator[Details]:
    for domain, addresses in view.facts.exchangers.items():
        if addresses is None:
            yield {'domain': domain}


# What is missing, or has no effect.


def _no_outgoing_servers(view: _View) -> Iterator[Details]:
    sections = () if view.section else view.configuration.sections.values()
    if not any(
        settings.policy.outgoing_lists or settings.policy.local_submission
        for settings in (view.settings, *sections)
    ):
        yield {}


def _no_local_servers(view: _View) -> Iterator[Details]:
    if view.outgoing and not view.local.entries:
        yield {}


def _loopback_not_local(view: _View) -> Iterator[Details]:
    if view.outgoing and view.local.entries and _LOOPBACK not in view.local:
        yield {}


def _own_address_not_local(view: _View) -> Iterator[Details]:
    """Which addresses of this host the servers see, on no list of any section."""
    policy = view.settings.policy
    listed = [
        *(policy.local, *policy.other_local, *policy.other_outgoing),
        *(servers for _, _, servers in view.outgoing),
    ]
    for address, server in view.facts.routes:
        # From elsewhere, servers may see a NAT in its place.
        if _near(address, server) and not any(address in servers for servers in listed):
            yield {'address': str(address)}


def _near(one: Address, other: Address) -> bool:
    """Whether both are public, or in one network as organisations have."""
    if one.is_loopback or one.version != other.version:
        return False
    bits = 16 if one.version == 4 else 80
    return (one.is_global and other.is_global) or (
        int(one) >> bits == int(other) >> bits
    )


def _no_tenants(view: _View) -> Iterator[Details]:
    policy = view.settings.policy
    if policy.microsoft_365.entries and not policy.microsoft_365_tenants:
        yield {}


def _no_nonmember_actions(view: _View) -> Iterator[Details]:
    if not view.settings.nonmember_actions:
        yield {}


def _own_domain(view: _View) -> Iterator[Details]:
    for mlist in view.facts.lists or ():
        domain = mlist.posting_address.lower().rpartition('@')[2]
        settings = view.configuration.for_list(mlist)
        if domain in settings.policy.sender_domains:
            yield {'domain': domain}


def _observe(view: _View) -> Iterator[Details]:
    if view.settings.mode == OBSERVE:
        yield {}


def _unknown_scope(view: _View) -> Iterator[Details]:
    configuration, facts = view.configuration, view.facts
    if facts.domains is not None:
        for name in configuration.domains:
            if name not in facts.domains:
                yield {'section': f'domain:{name}', 'kind': 'domain'}
    if facts.lists is not None:
        known = {one.posting_address.lower() for one in facts.lists}
        known |= {one.list_id.lower() for one in facts.lists}
        for name, _ in configuration.lists:
            if name not in known:
                yield {'section': f'list:{name}', 'kind': 'list'}


# The host, and Mailman.


def _writable_file(view: _View) -> Iterator[Details]:
    for path in view.facts.writable:
        yield {'path': path}


def _action_without_effect(view: _View) -> Iterator[Details]:
    for mlist in view.facts.lists or ():
        found = obstacles(mlist, view.configuration.for_list(mlist))
        if mlist.posting_chain == CHAIN and Obstacle.NONMEMBER_ACTION in found:
            yield {
                'list': mlist.posting_address,
                'action': mlist.default_nonmember_action,
            }


def _replaced_rule(view: _View) -> Iterator[Details]:
    for rule, module in view.facts.rules.items():
        yield {'rule': rule, 'module': module}


def _web_archive(view: _View) -> Iterator[Details]:
    if view.facts.web_archive:
        yield {}


def _open_lmtp(view: _View) -> Iterator[Details]:
    for address in view.facts.lmtp:
        if not address.is_loopback:
            yield {'address': str(address)}


def _old_ranges(view: _View) -> Iterator[Details]:
    if view.facts.today is not None and is_old(view.facts.today):
        yield {'date': str(file_date())}


LINTS: tuple[Lint, ...] = (
    Lint(
        'TS101',
        'every-address',
        '{key} has {entry}, which takes in every address.',
        'Take it out, and list your servers one by one.',
        _every_address,
    ),
    Lint(
        'TS102',
        'wide-network',
        '{key} has {entry}, a network wider than /16 (of IPv6: /32): each host in it '
        'is taken for a server.',
        'Take it out, and list your servers one by one.',
        _wide_network,
    ),
    Lint(
        'TS103',
        'open-expression',
        '{key} has {entry}, which has no end: ^192\\.0\\.2\\.1 matches 192.0.2.177, '
        'too.',
        'End it with $, or write the address.',
        _open_expression,
    ),
    Lint(
        'TS104',
        'shadowed-entry',
        '{key} has {entry}, which adds nothing: {other} holds it.',
        'Take {entry} out once.',
        _shadowed_entry,
    ),
    Lint(
        'TS105',
        'many-entries',
        '{key} has {number} entries, more than an organisation has servers.',
        'Take out what is no mail server of yours.',
        _many_entries,
    ),
    Lint(
        'TS201',
        'relay-is-outgoing',
        'trusted_local_servers has {local} and {key} has {entry}: an address on '
        'both may be either, and what a stranger hands to it is trusted.',
        'If it takes mail from strangers, take it off {key}; if people submit there '
        'with AUTH, authenticated_remote_servers is for it.',
        _relay_is_outgoing,
    ),
    Lint(
        'TS202',
        'local-and-outgoing',
        'trusted_local_servers has {local} and {key} has {entry}: an address on '
        'both may be either.',
        'Leave it if it is one; else take it off the list that is wrong.',
        _local_and_outgoing,
        Level.NOTE,
    ),
    Lint(
        'TS203',
        'several-proofs',
        '{key} has {entry} and {other_key} has {other}: an address on both needs the '
        'proof of one of them only.',
        'Leave it on the list whose proof is right for it, and take it off the other.',
        _several_proofs,
    ),
    Lint(
        'TS204',
        'loopback-is-outgoing',
        '{key} has the loopback address: whatever a content filter on a local '
        'server hands on is trusted.',
        'Take it off. For a content filter on the Mailman host it belongs on '
        'trusted_local_servers, unless a proxy or a web archive there hands on over '
        'the loopback what strangers wrote.',
        _loopback_is_outgoing,
    ),
    Lint(
        'TS205',
        'shared-sender',
        '{key} has {entry}: this is {service}, through which other organisations '
        'send, too; the key for it is {right}.',
        'Take it off {key}, and use {right}.',
        _shared_sender,
    ),
    Lint(
        'TS206',
        'private-in-two-domains',
        '{key} has {entry}, a private address that [{other}] has for an outgoing '
        'server, too: behind a NAT, one may be taken for the other.',
        'If they are of two organisations, have each reach this host under addresses '
        'that no other one has, and list those alone.',
        _private_in_two_domains,
        Level.NOTE,
        whole=True,
    ),
    Lint(
        'TS207',
        'exchanger-is-outgoing',
        '{key} has {entry}, which is an MX of {domain}: it takes mail from strangers.',
        'Take it off {key}; if it writes AUTH into its field, '
        'authenticated_remote_servers is for it.',
        _exchanger_is_outgoing,
    ),
    Lint(
        'TS208',
        'exchanger-not-known',
        'DNS did not answer in time which servers are the MX of {domain}.',
        'Try again, or see yourself that none of them is an outgoing server here.',
        _exchanger_not_known,
        Level.NOTE,
        whole=True,
    ),
    Lint(
        'TS301',
        'no-outgoing-servers',
        'There are no outgoing servers: no post is trusted.',
        'List those that take mail from your own authenticated users only in '
        'trusted_remote_servers.',
        _no_outgoing_servers,
    ),
    Lint(
        'TS302',
        'no-local-servers',
        'trusted_local_servers is empty: no relay is passed, and what this host hands '
        'to an outgoing server itself is taken for mail of a user.',
        'List the Mailman host and the relays on the way to it, never a NAT, a proxy '
        'or the gateway of containers.',
        _no_local_servers,
    ),
    Lint(
        'TS303',
        'loopback-not-local',
        'trusted_local_servers does not have 127.0.0.1: what a content filter on the '
        'Mailman host hands back is not trusted.',
        'List 127.0.0.1, unless a proxy on the host (nginx, stunnel, that of '
        'containers) hands on the connections of strangers over the loopback.',
        _loopback_not_local,
    ),
    Lint(
        'TS304',
        'own-address-not-local',
        'This host sends from {address}, which is not on trusted_local_servers: what '
        'it hands to an outgoing server itself is taken for mail of a user.',
        'List {address}, unless the connections of other hosts come from it, too, as '
        'from a NAT, a proxy or the gateway of containers.',
        _own_address_not_local,
        whole=True,
    ),
    Lint(
        'TS305',
        'no-tenants',
        'microsoft_365_servers is without effect: microsoft_365_tenants is empty.',
        'Write your own domains at Microsoft 365 into microsoft_365_tenants, or leave '
        'the servers out.',
        _no_tenants,
    ),
    Lint(
        'TS306',
        'no-nonmember-actions',
        'nonmember_actions is empty: no post bypasses moderation.',
        'Write hold; to have every post moderated, take the lists off the chain.',
        _no_nonmember_actions,
    ),
    Lint(
        'TS307',
        'own-domain',
        'sender_domains has {domain}, which is the domain of a list: posts that a list '
        'sends in its own name have it in From.',
        'If nobody writes from {domain}, take it out, but never the last one: without '
        'any, every domain may send.',
        _own_domain,
        Level.NOTE,
        whole=True,
    ),
    Lint(
        'TS308',
        'observe',
        'mode is observe: verdicts are logged, but every post is moderated.',
        'Write enforce when the log shows what you expect.',
        _observe,
        Level.NOTE,
    ),
    Lint(
        'TS309',
        'unknown-scope',
        'this Mailman has no such {kind}.',
        'Write its name as Mailman has it, or take the section out.',
        _unknown_scope,
        whole=True,
    ),
    Lint(
        'TS401',
        'writable-file',
        'Others can write {path}: they decide what is trusted.',
        'Let root alone write the file and the folders that it is in (chmod o-w).',
        _writable_file,
        whole=True,
    ),
    Lint(
        'TS402',
        'action-without-effect',
        '{list} is on the chain without effect: its default_nonmember_action is '
        '{action}.',
        'Leave it, set the action to one of nonmember_actions, or say "mailman '
        'trustedserver disable {list}".',
        _action_without_effect,
        whole=True,
    ),
    Lint(
        'TS403',
        'replaced-rule',
        'The rule {rule} is from {module}, not from Mailman: a trusted post bypasses '
        'what it decides.',
        'If it must hold for trusted posts, give it another name, or take the lists '
        'off the chain.',
        _replaced_rule,
        whole=True,
    ),
    Lint(
        'TS404',
        'web-archive',
        'The web archive HyperKitty is there: anybody who registers may post by it.',
        'Let it hand its posts to the Mailman host without AUTH, never to an outgoing '
        'server, and let no server take off User-Agent.',
        _web_archive,
        Level.NOTE,
        whole=True,
    ),
    Lint(
        'TS405',
        'open-lmtp',
        'The LMTP of Mailman listens on {address}: whoever reaches it can write the '
        'whole route himself.',
        'Write lmtp_host: 127.0.0.1 into [mta] of mailman.cfg, or let a firewall '
        'admit your own servers only.',
        _open_lmtp,
        whole=True,
    ),
    Lint(
        'TS406',
        'old-ranges',
        'The ranges of shared services were read on {date}: a newer version of the '
        'plugin may have newer ones.',
        'Install the newest version.',
        _old_ranges,
        Level.NOTE,
        whole=True,
    ),
)
