# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a post is trusted or not, what can be done about it, and by whom: data.

A sentence says what is so.  A remedy says, apart from it, who must do what.
Whoever does what a remedy says must not open a hole, even if the message is an
attacker's: an address is only named to somebody who is to know whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from mailman_trustedserver.received import gettext_noop
from types import MappingProxyType
from typing import Union


__all__ = ['Actor', 'Reason']


class Actor(str, Enum):
    """Who can do something about it."""

    NOBODY = 'nobody'
    ADMINISTRATOR = 'site-administrator'
    OWNER = 'list-owner'


_UNKNOWN = gettext_noop(
    'If you do not know {peer}, do nothing: it is a stranger. If it is a mail server '
    'of the organisation that hands on what others send, the site administrator adds '
    'it to trusted_local_servers. If it is an outgoing server, which takes mail from '
    'authenticated users only, to trusted_remote_servers.'
)
_GATEWAY = gettext_noop(
    '{peer} looks like the gateway of a container network or a NAT, behind which '
    'anybody may be: never list a gateway. The site administrator lets the mail '
    'server see the addresses of its clients.'
)
_LOGGED_IN = gettext_noop(
    'A user logged in from {peer}: do not list that address. If the server at '
    '{stamped_by}, where he logged in, is an outgoing server, which takes mail from '
    'authenticated users only, the site administrator adds {stamped_by} to '
    'trusted_remote_servers. If users log in at the local servers, he sets '
    'local_submission: yes.'
)
_LOGGED_IN_HERE = gettext_noop(
    'A user logged in from {peer}: do not list that address. If users are to send '
    'through the Mailman host, the site administrator sets local_submission: yes.'
)
_LOOPBACK = gettext_noop(
    'A program on the same host handed the message in: the web archive HyperKitty, '
    'whose posts anybody can write, or a content filter. Loopback is never an '
    'outgoing server. If a content filter hands messages back, the site administrator '
    'adds 127.0.0.1 to trusted_local_servers.'
)


class Reason(Enum):
    """Why a post is trusted or not: the token in the log.

    In a sentence or remedy stand, in braces, members of `Verdict.details`.

    :ivar sentence: What is so.
    :ivar remedies: What can be done: by default, under the key '', and in the
        cases of `Verdict.case`.  Empty if there is nothing to do.
    :ivar actor: Who can do it.
    :ivar trusted: Whether it is the reason of a post that is trusted.
    """

    sentence: str
    remedies: Mapping[str, str]
    actor: Actor
    trusted: bool

    def __new__(
        cls,
        token: str,
        sentence: str,
        remedies: Union[str, dict[str, str]] = '',
        actor: Actor = Actor.NOBODY,
    ) -> Reason:
        member = object.__new__(cls)
        member._value_ = token
        member.sentence = sentence
        cases = {'': remedies} if isinstance(remedies, str) else remedies
        member.remedies = MappingProxyType(dict(cases))
        member.actor = actor
        member.trusted = token in ('outgoing-server', 'local-submission')
        return member

    OUTGOING_SERVER = (
        'outgoing-server',
        gettext_noop(
            'The message was submitted at an outgoing server and came by trusted '
            'servers only.'
        ),
    )
    LOCAL_SUBMISSION = (
        'local-submission',
        gettext_noop('An authenticated user submitted the message at a local server.'),
    )
    # What follows refuses, in the order of precedence.
    NOT_ENABLED = (
        'not-enabled',
        gettext_noop('The plugin is not enabled.'),
        gettext_noop(
            'The site administrator writes "enabled: yes" into its section of '
            'mailman.cfg, and stops and starts Mailman.'
        ),
        Actor.ADMINISTRATOR,
    )
    CONFIGURATION_ERROR = (
        'configuration-error',
        gettext_noop('The configuration of the plugin did not load.'),
        gettext_noop(
            'The site administrator sees the error with "mailman trustedserver check", '
            'corrects it, and stops and starts Mailman.'
        ),
        Actor.ADMINISTRATOR,
    )
    NONMEMBER_ACTION = (
        'nonmember-action',
        gettext_noop(
            "The list's default action for nonmembers is not one of nonmember_actions."
        ),
        gettext_noop(
            'If trusted posts are to bypass moderation, the list owner sets the '
            'default action for nonmembers to one of these.'
        ),
        Actor.OWNER,
    )
    USENET = (
        'usenet',
        gettext_noop(
            'It is a Usenet article, which no mail server of the site stamped.'
        ),
    )
    MAILING_LIST = (
        'mailing-list',
        gettext_noop(
            'A Mailman sent the message: it is the post of a list or a notice, with '
            'the words of whoever wrote to that list.'
        ),
    )
    WEB_ARCHIVE = (
        'web-archive',
        gettext_noop(
            'The message was written in the web archive HyperKitty, where anybody may '
            'register.'
        ),
    )
    AUTO_REPLY = (
        'auto-reply',
        gettext_noop(
            'The message is an automatic reply, which may hold the words of a stranger.'
        ),
    )
    NO_RECEIVED = ('no-received', gettext_noop('The message has no Received field.'))
    TOO_MANY_FIELDS = (
        'too-many-fields',
        gettext_noop('The message has more than {limit} Received fields.'),
    )
    MALFORMED = (
        'malformed',
        gettext_noop(
            'A Received field of a trusted server could not be read: {problem}: {field}'
        ),
        gettext_noop(
            'If a mail server of the organisation wrote this field, the site '
            'administrator reports it to the project. If a sender has put something '
            'into it, there is nothing to do.'
        ),
        Actor.ADMINISTRATOR,
    )
    NO_PEER_ADDRESS = (
        'no-peer-address',
        gettext_noop(
            'A Received field of a local server does not say from which address '
            'the message came.'
        ),
        gettext_noop(
            'The site administrator has this server write the address of its client, '
            'if it can.'
        ),
        Actor.ADMINISTRATOR,
    )
    LOCAL_USER = (
        'local-user',
        gettext_noop(
            'The user {user} handed the message to the sendmail command of a local '
            'server; whoever runs that command can write any route.'
        ),
        {
            '': gettext_noop(
                'If {user} is the user of a content filter, and nobody else can '
                'become this user, the site administrator adds {user} to '
                'reinjection_users. Never add the user of a web server, nor that of a '
                'person.'
            ),
            'unnamed': gettext_noop(
                'The server does not say which user it was. If a content filter hands '
                'messages back so, let it do this over SMTP.'
            ),
        },
        Actor.ADMINISTRATOR,
    )
    ALIAS_HOP = (
        'alias-hop',
        gettext_noop(
            'A field of Postfix names no client: an alias sent the message on, or '
            'the server hides its clients.'
        ),
        gettext_noop(
            'If no Postfix server of the site has smtpd_hide_client_session, the site '
            'administrator may set alias_hops: yes. Or he writes the alias into '
            'virtual_alias_maps, which leaves no such field.'
        ),
        Actor.ADMINISTRATOR,
    )
    UNLISTED_PEER = (
        'unlisted-peer',
        gettext_noop(
            'A local server had the message from {peer}, which is on no list.'
        ),
        {
            '': _UNKNOWN,
            'loopback': _LOOPBACK,
            'gateway': _GATEWAY,
            'authenticated': _LOGGED_IN,
            'authenticated-here': _LOGGED_IN_HERE,
        },
        Actor.ADMINISTRATOR,
    )
    NO_OUTGOING_SERVER = (
        'no-outgoing-server',
        gettext_noop('The message came by local servers only.'),
        {
            '': gettext_noop(
                'If {peer} is an outgoing server, which takes mail from authenticated '
                'users only, the site administrator adds it to '
                'trusted_remote_servers. A relay that takes mail from strangers '
                'is never an outgoing server.'
            ),
            'loopback': _LOOPBACK,
            'gateway': _GATEWAY,
        },
        Actor.ADMINISTRATOR,
    )
    OWN_HOST = (
        'own-host',
        gettext_noop(
            'The local server {peer} handed the message to the outgoing server '
            '{server}: what it sends may be a notice, a list or a web form, with the '
            'words of a stranger.'
        ),
        gettext_noop(
            'A local server is no user. If its own mail is to be trusted, the site '
            'administrator lets a host that is on no list send it.'
        ),
        Actor.ADMINISTRATOR,
    )
    TOO_MANY_HOPS = (
        'too-many-hops',
        gettext_noop(
            'More than one hop lies before the outgoing server {server}: it had the '
            'message from {peer}, which had it from another host.'
        ),
        {
            '': gettext_noop(
                'If you do not know {peer}, do nothing. If it is a mail server of '
                'the organisation, the site administrator may set submission: '
                'authenticated, where {server} states that its users log in.'
            ),
            'loopback': gettext_noop(
                'A program on {server} handed the message in, such as a content '
                'filter or the web archive HyperKitty, whose posts anybody can '
                'write. Do not list the loopback as an outgoing server.'
            ),
        },
        Actor.ADMINISTRATOR,
    )
    NOT_AUTHENTICATED = (
        'not-authenticated',
        gettext_noop(
            'The outgoing server {server} does not state that the sender authenticated.'
        ),
        gettext_noop(
            'If the sender did log in, the site administrator has {server} write it '
            'into its Received field: Postfix, Exim and Sendmail write "with ESMTPSA". '
            'If it takes mail without, it is no outgoing server.'
        ),
        Actor.ADMINISTRATOR,
    )
    NO_TENANT = (
        'no-tenant',
        gettext_noop(
            'The message came from Microsoft 365 and has no X-OriginatorOrg: no member '
            'of an organisation there submitted it.'
        ),
    )
    SEVERAL_TENANTS = (
        'several-tenants',
        gettext_noop(
            'The message has several X-OriginatorOrg or AuthAs fields, of which '
            'Microsoft 365 writes one each ({found}).'
        ),
    )
    OTHER_TENANT = (
        'other-tenant',
        gettext_noop(
            'The message was submitted in another organisation of Microsoft 365 than '
            'those of microsoft_365_tenants ({found}).'
        ),
        gettext_noop(
            'If {found} is the organisation itself, the site administrator adds it to '
            'microsoft_365_tenants, written as here.'
        ),
        Actor.ADMINISTRATOR,
    )
    NOT_INTERNAL = (
        'not-internal',
        gettext_noop(
            'Microsoft 365 does not say that a member of the organisation submitted '
            'the message (X-MS-Exchange-CrossTenant-AuthAs: {found}).'
        ),
    )
    SENDER_DOMAIN = (
        'sender-domain',
        gettext_noop(
            'From has a domain that is not in sender_domains, or cannot be read '
            '({found}).'
        ),
        gettext_noop(
            'If it is a domain of the organisation, the site administrator adds it to '
            'sender_domains.'
        ),
        Actor.ADMINISTRATOR,
    )
    INTERNAL_ERROR = (
        'internal-error',
        gettext_noop('The plugin failed; the error log has the traceback.'),
        gettext_noop('The site administrator reports the traceback to the project.'),
        Actor.ADMINISTRATOR,
    )
