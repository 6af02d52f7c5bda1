# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide whether the route of a message is trusted.

`evaluate` walks the Received fields from the newest down.  The first one was
stamped by the Mailman host's own server, so it is attested; while the peer
address is one of the site's own servers, the next one is attested too.  Only
attested fields are evidence.  A route is trusted if its attested fields can be
read as hops from local servers followed by hops from one or more remote
(outgoing) servers, and the field that the last of those wrote, the submission
hop, has the proof that the policy asks for.

A message that speaks for strangers, whatever its route, is not trusted:
`Evidence` says what the rest of the header shows.

`evaluate` never raises on any text.  What it cannot read is not trusted, and
every verdict has a `Reason`.

Bounds: `MAX_FIELDS` fields are read.  Nothing before the second SMTP hop that
lies before the outgoing server is looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice
from mailman_trustedserver.addresses import Address, AddressList
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import (
    Hop,
    Kind,
    MalformedReceived,
    parse_received,
    records_smtp_hop,
)
from typing import Callable, NamedTuple, Optional


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


class Submission(str, Enum):
    """What proves that a message was submitted at an outgoing server."""

    SINGLE_HOP = 'single-hop'
    AUTHENTICATED = 'authenticated'
    BOTH = 'both'


@dataclass(frozen=True)
class Policy:
    """What a site trusts.

    :ivar local: The relays on the way to Mailman and the Mailman host.
    :ivar remote: The outgoing servers.
    :ivar submission: What proves a submission: `single-hop` (at most one SMTP
        hop lies before the outgoing server), `authenticated` (the outgoing
        server states that SMTP AUTH succeeded) or `both`.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, 'submission', Submission(self.submission))

    def passes(self, hop: Hop) -> bool:
        """Whether a host handed the message to itself, and may have.

        :param hop: An attested hop.
        :return: True if the field before it is as much evidence as this one.
        """
        if hop.kind is Kind.SMTP:
            return False
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
    """

    user_agents: tuple[str, ...] = ()
    auto_submitted: tuple[str, ...] = ()
    mailman_version: bool = False
    usenet: bool = False

    @property
    def stranger(self) -> Optional[Reason]:
        """Why the message speaks for somebody who is not known; None if it does not."""
        if self.usenet:
            return Reason.USENET
        if self.mailman_version:
            return Reason.MAILING_LIST
        if any(
            agent.lstrip().lower().startswith('hyperkitty')
            for agent in self.user_agents
        ):
            return Reason.WEB_ARCHIVE
        if any(_first_word(value) == 'auto-replied' for value in self.auto_submitted):
            return Reason.AUTO_REPLY
        return None


def _first_word(value: str) -> str:
    """The keyword of an Auto-Submitted field, without comments and parameters."""
    depth, word = 0, ''
    for character in value:
        if character == '(':
            depth += 1
        elif character == ')':
            depth = max(depth - 1, 0)
        elif not depth:
            if character == ';' or (word and character.isspace()):
                break
            word += character.strip()
    return word.lower()


@dataclass(frozen=True)
class Finding:
    """What was found in one Received field.

    :ivar hop: The hop; None if the field is malformed or not attested.
    :ivar problem: Why the field is malformed, else empty.
    :ivar attested: Whether a server that is already trusted wrote the field.
    :ivar local: The entry of the local list that the peer address matched.
    :ivar remote: The entry of the remote list that it matched.
    :ivar text: The beginning of an attested field that is malformed, on one
        line; else empty.
    """

    hop: Optional[Hop]
    problem: str = ''
    attested: bool = False
    local: Optional[str] = None
    remote: Optional[str] = None
    text: str = ''

    @property
    def peer(self) -> Optional[Address]:
        """The peer address, if there is one."""
        return None if self.hop is None else self.hop.peer


# What is said of a field that is no evidence: it is counted, not read.
_UNATTESTED = Finding(None)


@dataclass(frozen=True)
class Verdict:
    """The decision, its reason, and a finding for each field that was read.

    Its truth is that of the decision.

    :ivar trusted: Whether the message is trusted.
    :ivar reason: Why.
    :ivar findings: What was found, the newest field first.
    :ivar proof: The proof of submission that was found; empty if there is none.
    :ivar route: The reason of the route alone, where something else decided.
    :ivar decisive: The position of the finding that decided it; None if there
        is none.
    """

    trusted: bool
    reason: Reason
    findings: tuple[Finding, ...] = ()
    proof: str = ''
    route: Optional[Reason] = None
    decisive: Optional[int] = None

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
    def details(self) -> dict[str, str]:
        """What the sentences of the reason have in braces, as plain text."""
        outgoing = [finding for finding in self.findings if finding.remote is not None]
        stamped_by = [
            finding
            for finding in self.findings[: self.decisive]
            if finding.peer is not None and not _is_loopback(finding)
        ]
        found = self._decided
        return {
            'peer': _peer(found),
            'server': _peer(*outgoing[-1:]),
            # The server that wrote the field, as the next one knows it.
            'stamped_by': _peer(*stamped_by[-1:]),
            'user': (found.hop and found.hop.user) or '?',
            'problem': found.problem,
            'field': found.text,
            'limit': str(MAX_FIELDS),
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
    return '?' if finding.peer is None else str(finding.peer)


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
    route = _walk(list(islice(fields, MAX_FIELDS + 1)), policy)
    decisive = route.decisive
    reason, proof = _decide(route)
    trusted = reason in (Reason.OUTGOING_SERVER, Reason.LOCAL_SUBMISSION)
    verdict = Verdict(trusted, reason, tuple(route.findings), proof, decisive=decisive)
    stranger = evidence.stranger
    return verdict if stranger is None else verdict.overruled(stranger)


class _Route(NamedTuple):
    """A route, of which the attested part was read.

    :ivar policy: What the site trusts.
    :ivar texts: The fields, newest first.
    :ivar findings: One for each attested field.  A proof that reads on adds one
        for each field more.
    :ivar outgoing: The position of the last hop from an outgoing server; None
        if there is none.
    :ivar submission: The position of the submission hop, the field that this
        server wrote; None if there is none.
    :ivar end: What ended the walk besides the route itself; None if nothing did.
    """

    policy: Policy
    texts: list[str]
    findings: list[Finding]
    outgoing: Optional[int]
    submission: Optional[int]
    end: Optional[Reason]

    @property
    def decisive(self) -> Optional[int]:
        """Where it is decided: at the submission hop, or where trust ended."""
        if self.submission is not None:
            return self.submission
        return len(self.findings) - 1 if self.findings else None


def _walk(texts: list[str], policy: Policy) -> _Route:
    # An address may be on both lists, so the attested fields so far may be
    # readable in two ways: as local hops only, and as local hops with one or
    # more remote ones after them.  When neither holds, the attested part has
    # ended.
    findings: list[Finding] = []
    outgoing = submission = end = None
    all_local, remote_last = True, False
    for position, text in enumerate(texts[:MAX_FIELDS]):
        finding = _find(text, policy)
        findings.append(finding)
        if finding.hop is not None and policy.passes(finding.hop):
            continue
        if remote_last:
            submission = position
        if all_local and policy.local_submission and _is_user(finding):
            end = Reason.LOCAL_SUBMISSION
            break
        remote_last = finding.remote is not None
        all_local = all_local and finding.local is not None
        if remote_last:
            outgoing, submission = position, None
        elif not all_local:
            break
    else:
        if len(texts) > MAX_FIELDS:
            end = Reason.TOO_MANY_FIELDS
    return _Route(policy, texts, findings, outgoing, submission, end)


def _decide(route: _Route) -> tuple[Reason, str]:
    """The reason, and the proof of submission if there is one."""
    if route.end is not None:
        return route.end, ''
    if route.outgoing is None:
        return _refusal(route.findings[-1] if route.findings else None), ''
    if route.submission is not None:
        client = route.findings[route.submission]
        if client.local is not None and not _is_loopback(client):
            return Reason.OWN_HOST, ''
    proof = route.policy.submission
    refused = _PROOFS[proof](route, route.outgoing)
    return (Reason.OUTGOING_SERVER, proof.value) if refused is None else (refused, '')


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


def _is_user(finding: Finding) -> bool:
    """Whether somebody logged in who is no server of the site."""
    listed = finding.local is not None or finding.remote is not None
    return _states_auth(finding) and (not listed or _is_loopback(finding))


# The proofs of submission.  Each takes the route and the position of the last
# hop from an outgoing server, and says why its proof is missing; None if it is
# there.


def _single_hop(route: _Route, outgoing: int) -> Optional[Reason]:
    return _count_hops(route, outgoing + 1)


def _authenticated(route: _Route, outgoing: int) -> Optional[Reason]:
    if _user_submitted(route) or _self_submitted(route, outgoing):
        return None
    return Reason.NOT_AUTHENTICATED


def _both(route: _Route, outgoing: int) -> Optional[Reason]:
    if _user_submitted(route):
        return _count_hops(route, outgoing + 1)
    if _self_submitted(route, outgoing):
        return _count_hops(route, outgoing)
    return Reason.NOT_AUTHENTICATED


_PROOFS: dict[Submission, Callable[[_Route, int], Optional[Reason]]] = {
    Submission.SINGLE_HOP: _single_hop,
    Submission.AUTHENTICATED: _authenticated,
    Submission.BOTH: _both,
}


def _user_submitted(route: _Route) -> bool:
    """Whether the submission hop states that its client logged in."""
    return route.submission is not None and _states_auth(
        route.findings[route.submission]
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
            return server.remote is not None and (
                _is_loopback(client) or client.peer == server.peer
            )
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
        hop = parse_received(text)
    except MalformedReceived as error:
        shown = ' '.join(text[:MAX_SHOWN_FIELD].split())
        cut = ' ...' if len(text) > MAX_SHOWN_FIELD else ''
        return Finding(None, str(error), True, text=ascii(shown)[1:-1] + cut)
    if hop.peer is None:
        return Finding(hop, '', True)
    peer = hop.peer
    return Finding(hop, '', True, policy.local.match(peer), policy.remote.match(peer))
