# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide whether the route of a message is trusted.

`evaluate` walks the Received fields from the newest down.  The first one was
stamped by the Mailman host's own server, so it is attested; while the peer
address is one of the site's own servers, the next one is attested too.  Only
attested fields are evidence.  A route is trusted if its attested fields can be
read as hops from local servers followed by hops from one or more outgoing
servers, and the last of those has the proof that is asked of it: in `_PROOFS`.
Most look at the submission hop, the field that this server wrote.

A message that speaks for strangers, whatever its route, is not trusted:
`Evidence` says what the rest of the header shows.

`evaluate` never raises on any text.  What it cannot read is not trusted, and
every verdict has a `Reason`.

Bounds: `MAX_FIELDS` fields are read.  Nothing before the second SMTP hop that
lies before the outgoing server is looked into.
"""

from __future__ import annotations

import re

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from itertools import islice
from mailman_trustedserver.addresses import Address, AddressList, format_address
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import (
    Hop,
    Kind,
    MalformedReceived,
    read,
    records_smtp_hop,
)
from typing import Any, Callable, Optional


__all__ = [
    'MAX_FIELDS',
    'Evidence',
    'Finding',
    'Policy',
    'Submission',
    'Verdict',
    'evaluate',
]

# Mail servers give up on a message with this many fields or fewer: Postfix at
# 50 (hopcount_limit), Exim at 30 (received_headers_max), Sendmail and qmail
# at 100.
MAX_FIELDS = 100

# A field that cannot be read is shown up to here.
MAX_SHOWN_FIELD = 500

# Nearly every field is of this kind, and Python looks up a member slowly.
_SMTP = Kind.SMTP


class Submission(str, Enum):
    """What proves that a message was submitted at an outgoing server."""

    SINGLE_HOP = 'single-hop'
    AUTHENTICATED = 'authenticated'
    BOTH = 'both'


@dataclass(frozen=True, eq=False, repr=False)
class _Lists:
    """The lists of a policy that are in force; each policy has its own."""

    local: AddressList
    outgoing: tuple[tuple[str, str, AddressList], ...]
    proofs: dict[str, str]


# A site has few servers, so that most addresses have been seen before.
@lru_cache(maxsize=4096)
def _entries(
    lists: _Lists, peer: Address
) -> tuple[Optional[str], tuple[tuple[str, str], ...]]:
    """The entry of the local list, and the key and entry of each outgoing one."""
    found = ((key, servers.match(peer)) for key, _, servers in lists.outgoing)
    outgoing = tuple((key, entry) for key, entry in found if entry is not None)
    return lists.local.match(peer), outgoing


@dataclass(frozen=True)
class Policy:
    """What a site trusts.

    The lists of outgoing servers differ in the proof that is asked of them.  A
    server on several lists needs one of their proofs.

    :ivar local: The relays on the way to Mailman and the Mailman host.
    :ivar remote: The outgoing servers whose proof `submission` names:
        `single-hop` (at most one SMTP hop lies before the outgoing server),
        `authenticated` (it states that SMTP AUTH succeeded) or `both`.
    :ivar authenticated: Those whose proof is that they state it.
    :ivar dedicated: Those that take mail from the organisation only, so that
        their address is the proof.
    :ivar microsoft_365: Those of Microsoft 365, whose proof is that the message
        was submitted inside one of `microsoft_365_tenants`: domains, as
        X-OriginatorOrg has them.  Without tenants, no server is on this list.
    :ivar dkim: Those that many customers share, whose proof is a DKIM signature
        of the domain of the sender: one of `sender_domains`, so that without
        these there is none.
    :ivar sender_domains: The domains that each address in From must have one
        of, whatever the proof; one that begins with a dot is every domain below
        it.  Without any, no address is looked at.
    :ivar other_local: The local lists of other domains and lists of the same
        Mailman: whoever is on one of them is no user.
    :ivar other_outgoing: Their lists of outgoing servers, whose AUTH proves as
        little as that of a server here.
    :ivar lists: Those that are in force, to be looked up together.
    :ivar local_submission: Whether a message that an authenticated user
        submitted at a local server is trusted, whatever `submission` says.
    :ivar reinjection_users: The users, as a server writes them, whose use of
        the sendmail command is taken for a content filter's.
    :ivar alias_hops: Whether a field of Postfix without a client is taken for
        an alias that sent the message on, and not for a client that it hides.
    :raises ValueError: if `submission` is none of the three.
    """

    local: AddressList = field(default_factory=AddressList)
    remote: AddressList = field(default_factory=AddressList)
    submission: Submission = Submission.SINGLE_HOP
    local_submission: bool = False
    reinjection_users: frozenset[str] = frozenset()
    alias_hops: bool = False
    authenticated: AddressList = field(default_factory=AddressList)
    dedicated: AddressList = field(default_factory=AddressList)
    microsoft_365: AddressList = field(default_factory=AddressList)
    microsoft_365_tenants: frozenset[str] = frozenset()
    dkim: AddressList = field(default_factory=AddressList)
    sender_domains: frozenset[str] = frozenset()
    other_local: tuple[AddressList, ...] = ()
    other_outgoing: tuple[AddressList, ...] = ()
    lists: _Lists = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'submission', Submission(self.submission))
        # In the order in which their proofs are tried.
        outgoing = (
            ('dedicated_remote_servers', 'dedicated', self.dedicated),
            ('authenticated_remote_servers', 'authenticated', self.authenticated),
            ('trusted_remote_servers', self.submission.value, self.remote),
            ('microsoft_365_servers', 'microsoft-365', self.microsoft_365),
            ('dkim_remote_servers', 'dkim', self.dkim),
        )
        in_force = tuple(
            (key, proof, servers)
            for key, proof, servers in outgoing
            if servers.entries
            and (proof != 'microsoft-365' or self.microsoft_365_tenants)
        )
        proofs = {key: proof for key, proof, _ in in_force}
        object.__setattr__(self, 'lists', _Lists(self.local, in_force, proofs))

    @property
    def outgoing_lists(self) -> tuple[tuple[str, str, AddressList], ...]:
        """The lists of outgoing servers that are in force.

        Each has its key and its proof, in the order in which they are tried.
        """
        return self.lists.outgoing

    def proof(self, key: str) -> str:
        """The proof that is asked of the servers on a list.

        :param key: The key of the list.
        """
        return self.lists.proofs[key]

    def accepts_sender(self, domain: str) -> bool:
        """Whether `sender_domains` has a domain, or is empty.

        :param domain: The domain, in lower case.
        """
        return not self.sender_domains or any(
            domain.endswith(one) if one.startswith('.') else domain == one
            for one in self.sender_domains
        )

    def passes(self, hop: Hop) -> bool:
        """Whether a host handed the message to itself, and may have.

        :param hop: An attested hop.
        :return: True if the field before it is as much evidence as this one.
        """
        if hop.kind is Kind.COMMAND:
            return hop.user in self.reinjection_users
        return hop.kind is Kind.QUEUE or (hop.kind is Kind.ALIAS and self.alias_hops)


@dataclass(frozen=True)
class Evidence:
    """What the header shows beside the route: for whom the message speaks.

    :ivar user_agents: The values of the User-Agent fields.
    :ivar auto_submitted: The values of the Auto-Submitted fields (RFC 3834).
    :ivar mailman_version: Whether a Mailman sent the message: it has the field
        X-Mailman-Version.
    :ivar usenet: Whether it is a Usenet article, which no mail server stamped.
    :ivar from_domains: The domains of all addresses in From, in lower case; empty
        if there is none or From cannot be read.
    :ivar originator_orgs: The values of the X-OriginatorOrg fields.
    :ivar auth_as: The values of the X-MS-Exchange-CrossTenant-AuthAs fields.
    :ivar signed: What looks for a DKIM signature of the domain in From: it gives
        the reason if there is none, and is called once at most, if the verdict
        hangs on it.  None where nobody looks.
    """

    user_agents: tuple[str, ...] = ()
    auto_submitted: tuple[str, ...] = ()
    mailman_version: bool = False
    usenet: bool = False
    from_domains: tuple[str, ...] = ()
    originator_orgs: tuple[str, ...] = ()
    auth_as: tuple[str, ...] = ()
    signed: Optional[Callable[[], Optional[Reason]]] = None

    @property
    def stranger(self) -> Optional[Reason]:
        """Why the message speaks for somebody who is not known; None if it does not."""
        if self.usenet:
            return Reason.USENET
        if self.mailman_version:
            return Reason.MAILING_LIST
        for agent in self.user_agents:
            if agent.lstrip().lower().startswith('hyperkitty'):
                return Reason.WEB_ARCHIVE
        for value in self.auto_submitted:
            if _first_word(value) == 'auto-replied':
                return Reason.AUTO_REPLY
        return None


def _first_word(value: str) -> str:
    """The keyword of an Auto-Submitted field, without comments and parameters."""
    depth, word = 0, ''
    # A quoted pair is no parenthesis (RFC 5322 3.2.1), and mail programs read what is
    # quoted, too.
    for character in re.sub(r'\\.|"', '', value, flags=re.DOTALL):
        if character == '(':
            depth += 1
        elif character == ')':
            depth = max(depth - 1, 0)
        elif not depth:
            if character in ';,' or (word and character.isspace()):
                break
            word += character.strip()
    return word.lower()


# As with `Hop`, the constructors that dataclass() would write take as long as half
# of what is decided here.


@dataclass(frozen=True, init=False)
class Finding:
    """What was found in one Received field.

    :ivar hop: The hop; None if the field is malformed or not attested.
    :ivar problem: Why the field is malformed, else empty.
    :ivar attested: Whether a server that is already trusted wrote the field.
    :ivar local: The entry of the local list that the peer address matched.
    :ivar outgoing: The keys of the lists of outgoing servers that it is on, each
        with the entry that it matched.
    :ivar text: The beginning of an attested field that is malformed, on one
        line; else empty.
    """

    hop: Optional[Hop]
    problem: str
    attested: bool
    local: Optional[str]
    outgoing: tuple[tuple[str, str], ...]
    text: str

    def __init__(
        self,
        hop: Optional[Hop],
        problem: str = '',
        attested: bool = False,
        local: Optional[str] = None,
        outgoing: tuple[tuple[str, str], ...] = (),
        text: str = '',
    ) -> None:
        members = self.__dict__
        members['hop'] = hop
        members['problem'] = problem
        members['attested'] = attested
        members['local'] = local
        members['outgoing'] = outgoing
        members['text'] = text

    @property
    def peer(self) -> Optional[Address]:
        """The peer address, if there is one."""
        return None if self.hop is None else self.hop.peer


# What is said of a field that is no evidence: it is counted, not read.
_UNATTESTED = Finding(None)


@dataclass(frozen=True, init=False)
class Verdict:
    """The decision, its reason, and a finding for each field that was read.

    Its truth is that of the decision.

    :ivar trusted: Whether the message is trusted.
    :ivar reason: Why.
    :ivar findings: What was found, the newest field first.
    :ivar proof: The proof of submission that was found; empty if there is none.
    :ivar asked: The proofs that were asked for and tried, in this order.
    :ivar found: What a field beside the route has that was refused, as plain text.
    :ivar route: The reason of the route alone, where something else decided.
    :ivar decisive: The position of the finding that decided it; None if there
        is none.
    """

    trusted: bool
    reason: Reason
    findings: tuple[Finding, ...]
    proof: str
    route: Optional[Reason]
    decisive: Optional[int]
    asked: tuple[str, ...]
    found: str

    def __init__(
        self,
        trusted: bool,
        reason: Reason,
        findings: tuple[Finding, ...] = (),
        proof: str = '',
        route: Optional[Reason] = None,
        decisive: Optional[int] = None,
        asked: tuple[str, ...] = (),
        found: str = '',
    ) -> None:
        members = self.__dict__
        members['trusted'] = trusted
        members['reason'] = reason
        members['findings'] = findings
        members['proof'] = proof
        members['route'] = route
        members['decisive'] = decisive
        members['asked'] = asked
        members['found'] = found

    def __bool__(self) -> bool:
        return self.trusted

    def overruled(self, reason: Reason) -> Verdict:
        """The same route, not trusted for another reason.

        :param reason: The reason.
        :return: The verdict; its `route` is the reason of the route.
        """
        route = self.route or self.reason
        return replace(self, trusted=False, reason=reason, proof='', route=route)

    @property
    def _decided(self) -> Finding:
        return _UNATTESTED if self.decisive is None else self.findings[self.decisive]

    @property
    def server(self) -> str:
        """The last outgoing server that was reached, as plain text."""
        return _peer(*[finding for finding in self.findings if finding.outgoing][-1:])

    @property
    def details(self) -> dict[str, str]:
        """What the sentences of the reason have in braces, as plain text."""
        stamped_by = [
            finding
            for finding in self.findings[: self.decisive]
            if finding.peer is not None and not _is_loopback(finding)
        ]
        found = self._decided
        return {
            'peer': _peer(found),
            'server': self.server,
            # The server that wrote the field, as the next one knows it.
            'stamped_by': _peer(*stamped_by[-1:]),
            'user': (found.hop and found.hop.user) or '?',
            'problem': found.problem,
            'field': found.text,
            'limit': str(MAX_FIELDS),
            'found': self.found,
        }

    @property
    def case(self) -> str:
        """Which of the remedies of the reason is meant."""
        hop = self._decided.hop
        found = ''
        if hop is None:
            return found
        if hop.peer is None:
            found = 'unnamed' if hop.user is None else ''
        elif hop.peer.is_loopback:
            found = 'loopback'
        elif hop.authenticated:
            here = self.details['stamped_by'] == '?'
            found = 'authenticated-here' if here else 'authenticated'
        elif _may_be_gateway(hop.peer):
            found = 'gateway'
        return found if found in self.reason.remedies else ''

    @property
    def explanation(self) -> str:
        """The reason as a sentence, with the address or problem in it."""
        return self.reason.sentence.format_map(self.details)

    @property
    def remedy(self) -> str:
        """What to do about it, as a sentence; empty if there is nothing."""
        return self.reason.remedies[self.case].format_map(self.details)


def _peer(finding: Finding = _UNATTESTED) -> str:
    return '?' if finding.peer is None else format_address(finding.peer)


def _may_be_gateway(peer: Address) -> bool:
    """Whether an address looks like that of a NAT or of a container network."""
    # By habit they have the first or the last address of a private network.
    last = int(peer) & (0xFF if peer.version == 4 else 0xFFFF)
    return peer.is_private and last in (1, 254)


def evaluate(
    fields: Iterable[str], policy: Policy, evidence: Evidence = Evidence()
) -> Verdict:
    """Decide whether a message is trusted.

    :param fields: The values of the message's Received fields, newest first,
        folded or not, not decoded.  `MAX_FIELDS` are read, and one more is
        asked for.
    :param policy: What the site trusts.
    :param evidence: What else the header shows.
    :return: The verdict.  Nothing is raised on any text.
    """
    route = _walk(list(islice(fields, MAX_FIELDS + 1)), policy, evidence)
    _decide(route)
    verdict = Verdict(
        route.reason.trusted,
        route.reason,
        tuple(route.findings),
        route.proof,
        None,
        route.decisive,
        tuple(route.asked),
        route.found and _shown(route.found),
    )
    stranger = evidence.stranger
    return verdict if stranger is None else verdict.overruled(stranger)


@dataclass(eq=False, repr=False)
class _Route:
    """A route, of which the attested part was read, and what is decided on it.

    :ivar policy: What the site trusts.
    :ivar evidence: What else the header shows.
    :ivar texts: The fields, newest first.
    :ivar findings: One for each attested field.  A proof that reads on adds one
        for each field more.
    :ivar outgoing: The position of the last hop from an outgoing server; None
        if there is none.
    :ivar submission: The position of the submission hop, the field that this
        server wrote; None if there is none.
    :ivar reason: The reason of the verdict; None while it is open.
    :ivar decisive: The position at which it is decided: the submission hop, or
        where trust ended.
    :ivar asked: The proofs that were tried.
    :ivar proof: The one that was found.
    :ivar found: What a field beside the route has that was refused.
    """

    policy: Policy
    evidence: Evidence
    texts: list[str]
    findings: list[Finding]
    outgoing: Optional[int]
    submission: Optional[int]
    reason: Any
    decisive: Optional[int]
    asked: list[str] = field(default_factory=list)
    proof: str = ''
    found: str = ''


def _walk(texts: list[str], policy: Policy, evidence: Evidence) -> _Route:
    # An address may be on both lists, so the attested fields so far may be
    # readable in two ways: as local hops only, and as local hops with one or
    # more remote ones after them.  When neither holds, the attested part has
    # ended.
    findings: list[Finding] = []
    outgoing = submission = reason = None
    all_local, remote_last = True, False
    for position, text in enumerate(texts[:MAX_FIELDS]):
        finding = _find(text, policy)
        findings.append(finding)
        hop = finding.hop
        if hop is not None and hop.kind is not _SMTP and policy.passes(hop):
            continue
        if remote_last:
            submission = position
        if all_local and policy.local_submission and _is_user(finding, policy):
            reason = Reason.LOCAL_SUBMISSION
            break
        remote_last = bool(finding.outgoing)
        all_local = all_local and finding.local is not None
        if remote_last:
            outgoing, submission = position, None
        elif not all_local:
            break
    else:
        if len(texts) > MAX_FIELDS:
            reason = Reason.TOO_MANY_FIELDS
    decisive = submission
    if decisive is None and findings:
        decisive = len(findings) - 1
    return _Route(
        policy, evidence, texts, findings, outgoing, submission, reason, decisive
    )


def _decide(route: _Route) -> None:
    """Give the route its reason, and the proof of submission if there is one."""
    if route.reason is None:
        if route.outgoing is None:
            route.reason = _refusal(route.findings[-1] if route.findings else None)
        else:
            route.reason = _proved(route, route.outgoing)
    if route.reason.trusted and route.policy.sender_domains:
        domains = route.evidence.from_domains
        if not domains or not all(map(route.policy.accepts_sender, domains)):
            route.reason, route.proof = Reason.SENDER_DOMAIN, ''
            route.found = ' '.join(domains)


def _proved(route: _Route, outgoing: int) -> Reason:
    """The reason of a route that has an outgoing server."""
    if route.submission is not None:
        client = route.findings[route.submission]
        if _is_own_host(client, route.policy) and not _is_loopback(client):
            return Reason.OWN_HOST
    refused = None
    for key, _ in route.findings[outgoing].outgoing:
        proof = route.policy.proof(key)
        route.asked.append(proof)
        refused = _PROOFS[proof](route, outgoing)
        if refused is None:
            if _came_from_own_host(route):
                return Reason.OWN_HOST
            route.proof = proof
            return Reason.OUTGOING_SERVER
    # The finding is on a list, so that a proof was tried.
    return refused or Reason.INTERNAL_ERROR


def _came_from_own_host(route: _Route) -> bool:
    """Whether an own host handed in what the outgoing host then gave to itself.

    A filter, the sendmail command or an alias may stand between the two.  Not all of
    these fields need be attested: they are read to refuse, and for nothing else.
    """
    if route.submission is None:
        return False
    findings = route.findings
    for position in range(route.submission, min(len(route.texts), MAX_FIELDS)):
        findings += [_UNATTESTED] * (position + 1 - len(findings))
        if findings[position] is _UNATTESTED:
            found = _find(route.texts[position], route.policy)
            findings[position] = replace(found, attested=False, text='')
        finding = findings[position]
        if finding.hop is None:
            return False
        if finding.peer is not None and not _is_loopback(finding):
            if finding.outgoing or not _is_own_host(finding, route.policy):
                return False
            route.decisive = position
            return True
    return False


def _refusal(finding: Optional[Finding]) -> Reason:
    """Why the route is refused if its attested part ends with this field."""
    if finding is None:
        return Reason.NO_RECEIVED
    hop = finding.hop
    if hop is None:
        return Reason.MALFORMED
    if finding.local is not None or hop.kind is Kind.QUEUE:
        return Reason.NO_OUTGOING_SERVER
    if hop.kind is Kind.COMMAND:
        return Reason.LOCAL_USER
    if hop.kind is Kind.ALIAS:
        return Reason.ALIAS_HOP
    return Reason.NO_PEER_ADDRESS if hop.peer is None else Reason.UNLISTED_PEER


def _is_loopback(finding: Finding) -> bool:
    return finding.peer is not None and finding.peer.is_loopback


def _states_auth(finding: Finding) -> bool:
    """Whether an attested field says that SMTP AUTH succeeded."""
    return finding.hop is not None and finding.hop.authenticated


def _is_own_host(finding: Finding, policy: Policy) -> bool:
    """Whether the peer is a local server, here or of another domain or list."""
    return finding.local is not None or _is_on(policy.other_local, finding)


def _is_listed(finding: Finding, policy: Policy) -> bool:
    """Whether the peer is any server, here or of another domain or list."""
    return (
        bool(finding.outgoing)
        or _is_own_host(finding, policy)
        or _is_on(policy.other_outgoing, finding)
    )


def _is_on(lists: tuple[AddressList, ...], finding: Finding) -> bool:
    peer = finding.peer if lists else None
    return peer is not None and any(peer in one for one in lists)


def _is_user(finding: Finding, policy: Policy) -> bool:
    """Whether somebody logged in who is no server of the site."""
    return _states_auth(finding) and (
        _is_loopback(finding) or not _is_listed(finding, policy)
    )


# The proofs of submission.  Each takes the route and the position of the last
# hop from an outgoing server, and says why its proof is missing; None if it is
# there.


def _dedicated(route: _Route, outgoing: int) -> Optional[Reason]:
    return None


def _single_hop(route: _Route, outgoing: int) -> Optional[Reason]:
    return _count_hops(route, outgoing + 1)


def _authenticated(route: _Route, outgoing: int) -> Optional[Reason]:
    if (
        _user_submitted(route)
        or _self_submitted(route, outgoing)
        or _submitted_before_filter(route, outgoing)
    ):
        return None
    return Reason.NOT_AUTHENTICATED


def _both(route: _Route, outgoing: int) -> Optional[Reason]:
    if _user_submitted(route):
        return _count_hops(route, outgoing + 1)
    if _self_submitted(route, outgoing):
        return _count_hops(route, outgoing)
    return Reason.NOT_AUTHENTICATED


def _microsoft_365(route: _Route, outgoing: int) -> Optional[Reason]:
    orgs, auth_as = route.evidence.originator_orgs, route.evidence.auth_as
    if not orgs:
        return Reason.NO_TENANT
    route.found = ' '.join(orgs)
    if len(orgs) > 1 or len(auth_as) > 1:
        route.found = ' '.join((*orgs, *auth_as))
        return Reason.SEVERAL_TENANTS
    # A folded value is none that Microsoft 365 writes.
    if orgs[0].strip(' \t') not in route.policy.microsoft_365_tenants:
        return Reason.OTHER_TENANT
    if [value.strip(' \t') for value in auth_as] != ['Internal']:
        route.found = ' '.join(auth_as)
        return Reason.NOT_INTERNAL
    route.found = ''
    return None


def _dkim(route: _Route, outgoing: int) -> Optional[Reason]:
    evidence = route.evidence
    route.found = ''
    # Looking for it takes time, and a stranger's post is refused all the same.
    if evidence.signed is None or evidence.stranger is not None:
        return Reason.DKIM_NOT_CHECKED
    return evidence.signed()


_PROOFS: dict[str, Callable[[_Route, int], Optional[Reason]]] = {
    'dedicated': _dedicated,
    'authenticated': _authenticated,
    'single-hop': _single_hop,
    'both': _both,
    'microsoft-365': _microsoft_365,
    'dkim': _dkim,
}


def _user_submitted(route: _Route) -> bool:
    """Whether the submission hop states that a user logged in."""
    return route.submission is not None and _is_user(
        route.findings[route.submission], route.policy
    )


def _self_submitted(route: _Route, outgoing: int) -> bool:
    """Whether a program on the last outgoing server logged in to it.

    It did so over the loopback, or from the address under which the server
    then handed the message on.
    """
    client = route.findings[outgoing]
    if not _states_auth(client):
        return False
    for server in reversed(route.findings[:outgoing]):
        if server.hop is not None and not route.policy.passes(server.hop):
            return bool(server.outgoing) and (
                _is_loopback(client) or client.peer == server.peer
            )
    return False


def _submitted_before_filter(route: _Route, outgoing: int) -> bool:
    """Whether the sender logged in before the message went through a filter.

    A filter on the outgoing host has the message from the server and gives it
    back over the loopback, as often as it likes; these fields are attested, too.
    The server that wrote the first of them must have written the AUTH.
    """
    start = outgoing + 1 if route.submission is None else route.submission
    server = ''
    for position in range(start, min(len(route.texts), MAX_FIELDS)):
        if position == len(route.findings):
            route.findings.append(_find(route.texts[position], route.policy))
        finding = route.findings[position]
        hop = finding.hop
        if hop is not None and route.policy.passes(hop):
            continue
        route.decisive = position
        if hop is None or not (server or _is_loopback(finding)):
            return False
        by = (hop.by or '').lower()
        server = server or by
        if hop.authenticated and by == server:
            # Servers log in to each other, but for programs on the host itself.
            return (
                not _is_listed(finding, route.policy)
                or _is_loopback(finding)
                or hop.peer == route.findings[outgoing].peer
            )
        if not _is_loopback(finding):
            return False
    return False


def _count_hops(route: _Route, first: int) -> Optional[Reason]:
    """Why there are too many SMTP hops from a position on; None if not."""
    findings = route.findings
    hops = 0
    for position in range(first, len(route.texts)):
        if position == MAX_FIELDS:
            return Reason.TOO_MANY_FIELDS
        if position == len(findings):
            findings.append(_UNATTESTED)
        if findings[position].peer is not None or records_smtp_hop(
            route.texts[position]
        ):
            hops += 1
            if hops > 1:
                return Reason.TOO_MANY_HOPS
    return None


def _find(text: str, policy: Policy) -> Finding:
    try:
        hop, _ = read(text)
    except MalformedReceived as error:
        return Finding(None, str(error), True, text=_shown(text))
    peer = hop.peer
    if peer is None:
        return Finding(hop, '', True)
    local, outgoing = _entries(policy.lists, peer)
    return Finding(hop, '', True, local, outgoing)


def _shown(text: str) -> str:
    """Text from a message as plain text on one line, not too long."""
    shown = ' '.join(text[:MAX_SHOWN_FIELD].split())
    return ascii(shown)[1:-1] + (' ...' if len(text) > MAX_SHOWN_FIELD else '')
