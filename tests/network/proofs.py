# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers whose proof is not the number of hops, and posts through them.

The five inner servers stand before two gateways: the shared one signs with
OpenDKIM, for the tenant who logged in; the dedicated one takes mail from the
last inner server only.  The third outgoing server has amavis.  The relay has
names of its own, aliases that send on to lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from mailman_trustedserver.reasons import Reason
from tests.network.hosts import (
    ATTACKER,
    DEDICATED,
    FILTERED,
    Host,
    INNER,
    MAILMAN,
    NAME_SERVER,
    OUT,
    RELAY,
    RELAY2,
    SHARED,
)
from tests.network.mail import ALICE
from tests.network.routes import (
    AUTH,
    before_mailman,
    CHANGED,
    DOMAINS,
    LISTS,
    Mix,
    OWN_GATEWAY,
    STAFF,
)
from tests.network.software import Part


# Another customer of the shared gateway.
MALLORY = 'mallory@example.net'
# Somebody outside, who gets mail from Alice through the gateway.
FRIEND = 'friend@attacker.example.com'
OUTSIDE = FRIEND.partition('@')[2]

# The first site knows no hops of aliases, the second does.
HIDDEN, KNOWN = (f'{name}@{RELAY.name}' for name in ('hidden', 'known'))
HUB_ALIASES = {HIDDEN: STAFF, KNOWN: f'staff@{AUTH}'}


@dataclass(frozen=True)
class Senders(Mix):
    """The servers of this module; what is not named is Postfix."""

    @property
    def software(self) -> dict[Host, str]:
        """What runs on each host."""
        postfix = (*INNER, DEDICATED, OUT, RELAY, RELAY2, MAILMAN)
        return {
            NAME_SERVER: 'nsd',
            SHARED: 'opendkim',
            FILTERED: 'amavis',
            **dict.fromkeys(postfix, 'postfix'),
        }

    def parts(self, lmtp_port: int, auth_port: int) -> dict[Host, Part]:
        """What each server does; the ports are those of the two Mailmans."""
        outward = {**dict.fromkeys(DOMAINS, RELAY.address), CHANGED: RELAY2.address}
        inner = {
            host: Part(dict.fromkeys((*DOMAINS, OUTSIDE), following.address))
            for host, following in zip(INNER, INNER[1:])
        }
        first, last = INNER[0], INNER[-1]
        inner[first] = Part(inner[first].next_hops, submission=True)
        inner[last] = Part(
            {
                **dict.fromkeys((*DOMAINS, OUTSIDE), SHARED.address),
                OWN_GATEWAY: DEDICATED.address,
            },
            login=(SHARED.address,),
        )
        to_mailman = dict.fromkeys(DOMAINS, MAILMAN.address)
        return {
            **inner,
            NAME_SERVER: Part({}),
            # Like a large provider, it is the MX of its tenants, too.
            SHARED: Part(
                {**outward, OUTSIDE: ATTACKER.address}, users=(ALICE, MALLORY)
            ),
            DEDICATED: Part(outward, clients=(last.address,)),
            # It takes mail for the lists from anyone.
            FILTERED: Part(outward, filter_domains=DOMAINS),
            OUT: Part({**outward, RELAY.name: RELAY.address}, submission=True),
            RELAY: Part(
                to_mailman,
                local_aliases={
                    one.partition('@')[0]: HUB_ALIASES[one] for one in HUB_ALIASES
                },
            ),
            RELAY2: Part(
                to_mailman, body_checks='/^Hello\\.$/ REPLACE Hello, and buy this.\n'
            ),
            MAILMAN: before_mailman(lmtp_port, auth_port),
        }

    def __str__(self) -> str:
        return 'gateways'


SENDERS = Senders('postfix', 'postfix', 'postfix')


@dataclass(frozen=True)
class Post:
    """A post, and what is to become of it.

    :ivar name: Its way, for people.
    :ivar reason: That of the verdict.
    :ivar server: The first server.
    :ivar recipient: The posting address, or an alias that sends it on.
    :ivar user: Who logs in; nobody if it is empty.
    :ivar sender: The address in From.
    :ivar to: What is written in To; the recipient if it is empty.
    :ivar others: More fields.
    :ivar proof: The proof that was found.
    """

    name: str
    reason: Reason
    server: Host
    recipient: str = STAFF
    user: str = ALICE
    sender: str = ALICE
    to: str = ''
    others: tuple[str, ...] = ()
    proof: str = 'none'


_TRUSTED = Reason.OUTGOING_SERVER
# What a server that checks signatures would write, and who signs for himself.
_FORGED = (
    f'Authentication-Results: {MAILMAN.name}; dkim=pass header.d=example.org',
    'ARC-Authentication-Results: i=1; gateway.example.com; dkim=pass'
    ' header.d=example.org',
)

OWN_TENANT = Post(
    'tenant > five servers > shared gateway > relay', _TRUSTED, INNER[0], proof='dkim'
)
OWN_SENDER = Post(
    'program > five servers > dedicated gateway > relay',
    _TRUSTED,
    INNER[0],
    f'staff@{OWN_GATEWAY}',
    proof='dedicated',
)
AMAVIS = Post(
    'program > outgoing with amavis > relay', _TRUSTED, FILTERED, proof='authenticated'
)
ALIAS = Post(
    'program > outgoing > alias on relay, alias_hops',
    _TRUSTED,
    OUT,
    KNOWN,
    proof='authenticated',
)
POSTS = (
    OWN_TENANT,
    Post(
        'tenant, body changed on relay',
        Reason.DKIM_BODY_CHANGED,
        INNER[0],
        f'staff@{CHANGED}',
    ),
    Post(
        'tenant, list not in To',
        Reason.DKIM_DESTINATION_NOT_SIGNED,
        INNER[0],
        to=FRIEND,
    ),
    Post(
        'other tenant', Reason.DKIM_SENDER_DOMAIN, SHARED, user=MALLORY, sender=MALLORY
    ),
    Post('other tenant, From forged', Reason.DKIM_OTHER_DOMAIN, SHARED, user=MALLORY),
    Post(
        'other tenant, From and results forged',
        Reason.DKIM_OTHER_DOMAIN,
        SHARED,
        user=MALLORY,
        others=_FORGED,
    ),
    Post(
        'anyone > shared gateway, results forged',
        Reason.DKIM_NO_SIGNATURE,
        SHARED,
        user='',
        others=_FORGED,
    ),
    OWN_SENDER,
    AMAVIS,
    Post(
        'anyone > outgoing with amavis > relay',
        Reason.NOT_AUTHENTICATED,
        FILTERED,
        user='',
    ),
    ALIAS,
    Post('program > outgoing > alias on relay', Reason.ALIAS_HOP, OUT, HIDDEN),
    Post(
        'anyone > alias on relay, alias_hops',
        Reason.UNLISTED_PEER,
        RELAY,
        KNOWN,
        user='',
    ),
)


@dataclass(frozen=True)
class Replay:
    """A signed message to somebody else that is sent to the list.

    :ivar name: What is done to it.
    :ivar reason: That of the verdict.
    :ivar user: Who logs in at the gateway; nobody if it is empty.
    :ivar old: What is replaced in it.
    :ivar new: What comes in its place.
    """

    name: str
    reason: Reason
    user: str = ''
    old: bytes = b''
    new: bytes = b''


_TO = f'To: {FRIEND}\r\n'.encode()
_TO_LIST = f'To: staff@{LISTS}\r\n'.encode()
REPLAYS = (
    Replay('as it is, anyone', Reason.DKIM_DESTINATION_NOT_SIGNED),
    Replay('as it is, other tenant', Reason.DKIM_DESTINATION_NOT_SIGNED, MALLORY),
    Replay('To rewritten', Reason.DKIM_BAD_SIGNATURE, MALLORY, _TO, _TO_LIST),
    # There was no Cc to sign.
    Replay(
        'Cc added',
        Reason.DKIM_DESTINATION_NOT_SIGNED,
        '',
        _TO,
        _TO + b'Cc' + _TO_LIST[2:],
    ),
    Replay('To added', Reason.DKIM_DUPLICATE_FIELD, '', _TO, _TO_LIST + _TO),
)


@dataclass(frozen=True)
class Siege:
    """All hostile attempts on one server.

    :ivar name: Who tries, or what.
    :ivar good: The post whose fields are copied.
    :ivar server: The server.
    :ivar reason: That of attempts on the first list; None if the server takes
        nothing from strangers.
    :ivar recipients: The posting addresses, or aliases that send on.
    :ivar user: The customer of the server who does it; a stranger if it is empty.
    """

    name: str
    good: Post
    server: Host
    reason: Reason | None = Reason.UNLISTED_PEER
    recipients: tuple[str, ...] = (STAFF, f'staff@{AUTH}')
    user: str = ''

    def __str__(self) -> str:
        return f'{self.server.name} ({self.name})'


SIEGES = (
    Siege('anyone', OWN_TENANT, SHARED, Reason.DKIM_NO_SIGNATURE),
    Siege('other tenant', OWN_TENANT, SHARED, Reason.DKIM_OTHER_DOMAIN, user=MALLORY),
    Siege('fields of shared gateway', OWN_TENANT, RELAY),
    Siege('fields of shared gateway', OWN_TENANT, MAILMAN),
    Siege('anyone', OWN_SENDER, DEDICATED, None),
    Siege('fields of dedicated gateway', OWN_SENDER, RELAY),
    Siege('fields of dedicated gateway', OWN_SENDER, MAILMAN),
    Siege('anyone', AMAVIS, FILTERED, Reason.NOT_AUTHENTICATED),
    Siege('fields of amavis', AMAVIS, RELAY),
    Siege('alias', ALIAS, RELAY, Reason.ALIAS_HOP, (HIDDEN, KNOWN)),
    Siege('fields of alias', ALIAS, MAILMAN),
)
