# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide whether the route of a message is trusted.

`evaluate` walks the Received fields from the newest down.  The first one was
stamped by the Mailman host's own server, so it is attested; while the peer
address is one of the site's own servers, the next one is attested too.  Only
attested fields are evidence.  A route is trusted if its attested fields can be
read as hops from local servers followed by hops from one or more remote
(outgoing) servers, and what is left below proves a submission.

`evaluate` never raises on any text.  What it cannot read is not trusted, and
every verdict has a `Reason`.

Bounds: `MAX_FIELDS` fields are read.  Nothing below the second SMTP hop under
the outgoing server is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from mailman_trustedserver.addresses import Address, AddressList
from mailman_trustedserver.received import (
    Hop,
    MalformedReceived,
    gettext_noop,
    parse_received,
    records_smtp_hop,
)
from typing import Callable, NamedTuple, Optional


__all__ = [
    'Finding',
    'Policy',
    'Reason',
    'Submission',
    'Verdict',
    'evaluate',
]

# Mail servers give up on a message with this many fields or fewer: Postfix at
# 50 (hopcount_limit), Exim at 30 (received_headers_max), Sendmail and qmail
# at 100.
MAX_FIELDS = 100


class Submission(str, Enum):
    """What proves that a message was submitted at an outgoing server."""

    SINGLE_HOP = 'single-hop'
    AUTHENTICATED = 'authenticated'
    BOTH = 'both'


class Reason(Enum):
    """Why a post is trusted or not: the token in the log, and a sentence.

    In a sentence, `{peer}` stands for the address at which trust ended,
    `{problem}` for what is wrong with a field and `{limit}` for `MAX_FIELDS`.
    """

    sentence: str

    def __new__(cls, token: str, sentence: str) -> Reason:
        member = object.__new__(cls)
        member._value_ = token
        member.sentence = sentence
        return member

    OUTGOING_SERVER = (
        'outgoing-server',
        gettext_noop(
            'The message was submitted at a trusted remote server and came by '
            'trusted servers only.'
        ),
    )
    LOCAL_SUBMISSION = (
        'local-submission',
        gettext_noop('An authenticated user submitted the message at a local server.'),
    )
    NO_RECEIVED = ('no-received', gettext_noop('The message has no Received field.'))
    UNLISTED_PEER = (
        'unlisted-peer',
        gettext_noop(
            'A local server had the message from {peer}, which is on neither '
            'list; add {peer} to trusted_local_servers if this server is yours.'
        ),
    )
    NO_OUTGOING_SERVER = (
        'no-outgoing-server',
        gettext_noop(
            'The message came by local servers only; if the first of them is an '
            'outgoing server, add it to trusted_remote_servers.'
        ),
    )
    MALFORMED = (
        'malformed',
        gettext_noop(
            'A Received field of a trusted server could not be read: {problem}.'
        ),
    )
    NO_PEER = (
        'no-peer-address',
        gettext_noop(
            'A Received field of a local server does not say from which address '
            'the message came.'
        ),
    )
    TOO_MANY_HOPS = (
        'too-many-hops',
        gettext_noop(
            'More than one hop lies below the trusted remote server: another '
            'server handed the message to it.'
        ),
    )
    NOT_AUTHENTICATED = (
        'not-authenticated',
        gettext_noop(
            'The trusted remote server does not state that the sender authenticated.'
        ),
    )
    TOO_MANY_FIELDS = (
        'too-many-fields',
        gettext_noop('The message has more than {limit} Received fields.'),
    )
    # What follows is not for `evaluate` to say, but for its caller.
    NONMEMBER_ACTION = (
        'nonmember-action',
        gettext_noop(
            "The list's default action for nonmembers is not one of nonmember_actions."
        ),
    )
    NOT_ENABLED = ('not-enabled', gettext_noop('The plugin is not enabled.'))
    CONFIGURATION_ERROR = (
        'configuration-error',
        gettext_noop('The configuration of the plugin did not load.'),
    )
    INTERNAL_ERROR = (
        'internal-error',
        gettext_noop('The plugin failed; the error log has the traceback.'),
    )


@dataclass(frozen=True)
class Policy:
    """What a site trusts.

    :ivar local: The relays on the way to Mailman and the Mailman host.
    :ivar remote: The outgoing servers.
    :ivar submission: What proves a submission: `single-hop` (at most one SMTP
        hop lies below the outgoing server), `authenticated` (the outgoing
        server states that SMTP AUTH succeeded) or `both`.
    :ivar local_submission: Whether a message that an authenticated user
        submitted at a local server is trusted, whatever `submission` says.
    :ivar match: The entry of the local list that an address is on, and that of
        the remote list; None for none.
    :raises ValueError: if `submission` is none of the three.
    """

    local: AddressList = field(default_factory=AddressList)
    remote: AddressList = field(default_factory=AddressList)
    submission: Submission = Submission.SINGLE_HOP
    local_submission: bool = False
    match: Callable[[Address], tuple[Optional[str], Optional[str]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, 'submission', Submission(self.submission))
        # A site has few servers, so that most peers have been looked up before.
        object.__setattr__(self, 'match', lru_cache(maxsize=1024)(self._match))

    def _match(self, peer: Address) -> tuple[Optional[str], Optional[str]]:
        return self.local.match(peer), self.remote.match(peer)


class Finding(NamedTuple):
    """What was found in one Received field.

    :ivar hop: The hop; None if the field is malformed or not attested.
    :ivar problem: Why the field is malformed, else empty.
    :ivar attested: Whether a server that is already trusted wrote the field.
    :ivar local: The entry of the local list that the peer address matched.
    :ivar remote: The entry of the remote list that it matched.
    """

    hop: Optional[Hop]
    problem: str = ''
    attested: bool = False
    local: Optional[str] = None
    remote: Optional[str] = None


class Verdict(NamedTuple):
    """The decision, its reason, and a finding for each field that was read.

    :ivar trusted: Whether the route is trusted.
    :ivar reason: Why.
    :ivar findings: What was found, the newest field first.
    """

    trusted: bool
    reason: Reason
    findings: tuple[Finding, ...] = ()

    @property
    def explanation(self) -> str:
        """The reason as a sentence, with the address or problem in it."""
        last = next(
            (finding for finding in reversed(self.findings) if finding.attested),
            Finding(None),
        )
        return self.reason.sentence.format(
            peer=last.hop.peer if last.hop else 'nobody',
            problem=last.problem,
            limit=MAX_FIELDS,
        )


def evaluate(fields: Iterable[str], policy: Policy) -> Verdict:
    """Decide whether a route is trusted.

    :param fields: The values of the message's Received fields, newest first,
        folded or not, not decoded.  Read only as far as the verdict needs.
    :param policy: What the site trusts.
    :return: The verdict.  Nothing is raised on any text.
    """
    needs_auth = policy.submission is not Submission.SINGLE_HOP
    counts_hops = policy.submission is not Submission.AUTHENTICATED
    findings: list[Finding] = []
    # An address may be on both lists, so the attested fields so far may be
    # readable in two ways: as local hops only, and as local hops with one or
    # more remote ones after them.  When neither holds, the attested part has
    # ended.
    all_local, remote_last = True, False
    has_remote = False
    # The last field that somebody vouches for.
    last: Optional[Finding] = None
    # The SMTP hops below the outgoing server, in the reading in which they
    # are fewest; None while no reading has the proof of submission.
    hops_below: Optional[int] = None
    proved = not needs_auth
    for text in fields:
        if len(findings) == MAX_FIELDS:
            return Verdict(False, Reason.TOO_MANY_FIELDS, tuple(findings))
        if not (all_local or remote_last):
            # Nobody vouches for this field; only the hops still count.
            findings.append(_UNATTESTED)
            if records_smtp_hop(text):
                if hops_below:
                    hops_below = None
                    break
                hops_below = 1
            continue
        finding = _find(text, policy)
        findings.append(finding)
        last = finding
        hop = finding.hop
        if hop is not None and hop.reinjection:
            continue
        authenticated = hop is not None and hop.authenticated
        if all_local and authenticated and policy.local_submission:
            return Verdict(True, Reason.LOCAL_SUBMISSION, tuple(findings))
        # Below a remote server, this is the submission hop.
        if remote_last and (authenticated or not needs_auth):
            proved = True
            hops_below = 0
            if not counts_hops:
                break
        if hops_below is not None and (
            (hop is not None and hop.peer is not None) or records_smtp_hop(text)
        ):
            hops_below = None if hops_below else 1
        remote_last = finding.remote is not None
        all_local = all_local and finding.local is not None
        has_remote = has_remote or remote_last
        if hops_below is None and not (all_local or remote_last):
            break
    if hops_below is not None or (remote_last and not needs_auth):
        return Verdict(True, Reason.OUTGOING_SERVER, tuple(findings))
    if has_remote:
        reason = Reason.TOO_MANY_HOPS if proved else Reason.NOT_AUTHENTICATED
    else:
        reason = _refusal(last)
    return Verdict(False, reason, tuple(findings))


# What is said of a field that is no evidence: it is counted, not read.
_UNATTESTED = Finding(None)


def _find(text: str, policy: Policy) -> Finding:
    try:
        hop = parse_received(text)
    except MalformedReceived as error:
        return Finding(None, str(error), True)
    if hop.peer is None:
        return Finding(hop, '', True)
    return Finding(hop, '', True, *policy.match(hop.peer))


def _refusal(finding: Optional[Finding]) -> Reason:
    """Why the route is refused if its attested part ends with this field."""
    if finding is None:
        return Reason.NO_RECEIVED
    if finding.hop is None:
        return Reason.MALFORMED
    if finding.hop.reinjection or finding.local is not None:
        return Reason.NO_OUTGOING_SERVER
    if finding.hop.peer is None:
        return Reason.NO_PEER
    return Reason.UNLISTED_PEER
