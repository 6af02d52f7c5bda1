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

# Of DKIM signatures.
_SIGNER = gettext_noop(
    'If a member of the organisation sent it, whoever runs the service that signs for '
    'its domain has it sign From, To, Cc, Subject, Date, Message-ID and the whole '
    'body, with rsa-sha256 and the domain in From.'
)
_DESTINATION = gettext_noop(
    'If a member of the organisation sent it, he writes the address of the list into '
    'To or Cc. If it stands there, whoever runs the service that signs for the domain '
    'has it sign To and Cc.'
)
_KEY = gettext_noop(
    'If it is the domain of the organisation, whoever runs its DNS corrects the key '
    'record.'
)
_CHANGED = gettext_noop(
    'If it happens to the posts of members, the site administrator looks for a server '
    'between the signer and Mailman that changes messages, such as a filter that adds '
    'a line.'
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
            'The site administrator sees the error with "mailman trustedserver check" '
            'and corrects it.'
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
    DKIM_NOT_CHECKED = (
        'dkim-not-checked',
        gettext_noop(
            'Whether the domain of the sender signed the message was not looked'
            ' up: DNS is asked when the post comes, and by "mailman '
            'trustedserver explain --dns".'
        ),
    )
    DKIM_TOO_LARGE = (
        'dkim-too-large',
        gettext_noop('The message is too large to look for a signature.'),
    )
    DKIM_MALFORMED_HEADER = (
        'dkim-malformed-header',
        gettext_noop(
            'The header has a line that is no field, so that a signature of it '
            'says nothing.'
        ),
    )
    DKIM_DUPLICATE_FIELD = (
        'dkim-duplicate-field',
        gettext_noop(
            'A field is there twice of which there may be one, and it cannot be'
            ' told which one is signed.'
        ),
    )
    DKIM_NOT_ONE_SENDER = (
        'dkim-not-one-sender',
        gettext_noop('From does not have exactly one address.'),
    )
    DKIM_SENDER_DOMAIN = (
        'dkim-sender-domain',
        gettext_noop('The domain in From is not in sender_domains.'),
        gettext_noop(
            'If it is a domain of the organisation, the site administrator adds it to '
            'sender_domains.'
        ),
        Actor.ADMINISTRATOR,
    )
    DKIM_NO_SIGNATURE = (
        'dkim-no-signature',
        gettext_noop('The message has no DKIM signature.'),
        _SIGNER,
        Actor.ADMINISTRATOR,
    )
    DKIM_OTHER_DOMAIN = (
        'dkim-other-domain',
        gettext_noop('No DKIM signature is that of the domain in From.'),
        _SIGNER,
        Actor.ADMINISTRATOR,
    )
    DKIM_TOO_MANY_SIGNATURES = (
        'dkim-too-many-signatures',
        gettext_noop('The domain in From signed the message more than three times.'),
    )
    DKIM_SIGNATURE_TOO_LARGE = (
        'dkim-signature-too-large',
        gettext_noop('The DKIM signature is longer than 2048 octets.'),
    )
    DKIM_MALFORMED_SIGNATURE = (
        'dkim-malformed-signature',
        gettext_noop('The DKIM signature is malformed.'),
    )
    DKIM_BODY_LENGTH = (
        'dkim-body-length',
        gettext_noop('The DKIM signature does not cover the whole body (l=).'),
        _SIGNER,
        Actor.ADMINISTRATOR,
    )
    DKIM_ALGORITHM = (
        'dkim-algorithm',
        gettext_noop('The DKIM signature is neither rsa-sha256 nor ed25519-sha256.'),
        _SIGNER,
        Actor.ADMINISTRATOR,
    )
    DKIM_NO_ED25519 = (
        'dkim-no-ed25519',
        gettext_noop(
            'The DKIM signature is ed25519-sha256, which this Mailman host '
            'cannot verify.'
        ),
        gettext_noop(
            'The site administrator installs PyNaCl into the environment of Mailman.'
        ),
        Actor.ADMINISTRATOR,
    )
    DKIM_FIELD_NOT_SIGNED = (
        'dkim-field-not-signed',
        gettext_noop(
            'The DKIM signature leaves out From, Subject, Date or Message-ID.'
        ),
        _SIGNER,
        Actor.ADMINISTRATOR,
    )
    DKIM_DESTINATION_NOT_SIGNED = (
        'dkim-destination-not-signed',
        gettext_noop(
            'No To or Cc that is signed names the list, so that the message may'
            ' have been sent on by anybody.'
        ),
        _DESTINATION,
        Actor.ADMINISTRATOR,
    )
    DKIM_NO_TIME = (
        'dkim-no-time',
        gettext_noop(
            'Neither the DKIM signature nor the message says when it was signed.'
        ),
    )
    DKIM_FROM_THE_FUTURE = (
        'dkim-from-the-future',
        gettext_noop('The DKIM signature is from the future.'),
        gettext_noop(
            'If it happens to the posts of members, the site administrator looks at '
            'the clock of the Mailman host.'
        ),
        Actor.ADMINISTRATOR,
    )
    DKIM_TOO_OLD = (
        'dkim-too-old',
        gettext_noop(
            'The DKIM signature was more than five days old when the message came.'
        ),
    )
    DKIM_EXPIRED = (
        'dkim-expired',
        gettext_noop('The DKIM signature had expired when the message came.'),
    )
    DKIM_BODY_CHANGED = (
        'dkim-body-changed',
        gettext_noop(
            'The body is not the one that was signed: somebody changed it, or a'
            ' server on the way did.'
        ),
        _CHANGED,
        Actor.ADMINISTRATOR,
    )
    DKIM_DNS_FAILURE = (
        'dkim-dns-failure',
        gettext_noop('DNS did not answer when the key of the signature was looked up.'),
        gettext_noop(
            'If it happens again, the site administrator looks at the name servers of '
            'the Mailman host.'
        ),
        Actor.ADMINISTRATOR,
    )
    DKIM_NO_KEY = (
        'dkim-no-key',
        gettext_noop('There is no key record for the DKIM signature.'),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_SEVERAL_KEYS = (
        'dkim-several-keys',
        gettext_noop(
            'There are several key records for the DKIM signature, and they differ.'
        ),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_TOO_LARGE = (
        'dkim-key-too-large',
        gettext_noop(
            'The key record of the DKIM signature is longer than 4096 octets.'
        ),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_MALFORMED_KEY = (
        'dkim-malformed-key',
        gettext_noop('The key record of the DKIM signature is malformed.'),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_REVOKED = (
        'dkim-key-revoked',
        gettext_noop('The key of the DKIM signature was revoked.'),
    )
    DKIM_KEY_FOR_TESTS = (
        'dkim-key-for-tests',
        gettext_noop('The key of the DKIM signature is for tests only (t=y).'),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_TYPE = (
        'dkim-key-type',
        gettext_noop(
            'The key of the DKIM signature is of another type than the signature.'
        ),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_HASH = (
        'dkim-key-hash',
        gettext_noop('The key record of the DKIM signature does not allow sha256.'),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_SERVICE = (
        'dkim-key-service',
        gettext_noop('The key of the DKIM signature is not for mail.'),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_SUBDOMAIN = (
        'dkim-key-subdomain',
        gettext_noop(
            'The key of the DKIM signature is not for the domain that the '
            'signature names.'
        ),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_KEY_SIZE = (
        'dkim-key-size',
        gettext_noop(
            'The key of the DKIM signature has fewer than 1024 bits or more than 4096.'
        ),
        _KEY,
        Actor.ADMINISTRATOR,
    )
    DKIM_BAD_SIGNATURE = (
        'dkim-bad-signature',
        gettext_noop(
            'The DKIM signature is wrong: a signed field was changed, or the '
            'signature is forged.'
        ),
        _CHANGED,
        Actor.ADMINISTRATOR,
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
