# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Mailman and the pure modules.

From Mailman's message, list and configuration to values, one decision, and back
to a log line.  This is the one place where a mistake of ours is caught: a rule
that raises would shunt the post.
"""

from __future__ import annotations

import logging

from datetime import timezone
from email.message import Message
from functools import partial
from mailman.config import config
from mailman.database.transaction import dbconnection
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import IAcceptableAliasSet
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.plugin import IPlugin
from mailman.model.pending import Pended, PendedKeyValue
from mailman_trustedserver.decision import decide, Decision
from mailman_trustedserver.flattening import as_received
from mailman_trustedserver.header import Header
from mailman_trustedserver.names import MSGDATA_KEY
from mailman_trustedserver.policy import Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import chain_line, keep, log_line
from mailman_trustedserver.resolver import KeyRecords
from mailman_trustedserver.settings import MailingList, Settings
from mailman_trustedserver.signatures import check
from typing import Any, Callable, Optional, Union
from zope.component import getUtility
from zope.interface import Attribute


__all__ = [
    'ITrustedServerPlugin',
    'find_list',
    'find_plugin',
    'find_signature',
    'held_header',
    'is_trusted',
    'is_usenet',
    'maybe_usenet',
    'put_on_chain',
    'settings_for',
    'values_of',
]

log = logging.getLogger('mailman.error')
plugins = logging.getLogger('mailman.plugins')
vette = logging.getLogger('mailman.vette')

# What `mailman gatenews` puts into the metadata of a post, and what Mailman makes of
# that in its database if the value is no text.
_USENET = 'fromusenet'
_USENET_KEYS = (_USENET, f'_pck_{_USENET}')

# One for a process, so that a failure is remembered from one post to the next.
_key_records = KeyRecords()


class ITrustedServerPlugin(IPlugin):
    """The plugin, for those who look for it among all plugins."""

    configuration = Attribute(
        """The `Configuration` in force, None if it did not load."""
    )

    error = Attribute(
        """The error of the configuration as one line, None if it loaded."""
    )

    paths = Attribute("""The files that the configuration was read from.""")

    enabled = Attribute("""Whether the section of the plugin says so by now.""")

    def refresh() -> None:  # type: ignore[misc]
        """Read the configuration again if its files have changed."""


def find_list(listspec: str) -> Any:
    """The list, by posting address or list-id; None if there is none."""
    # Mailman makes none with other characters.  PostgreSQL's driver raises an error
    # on a NUL, MariaDB on what has no place in Mailman's columns, and each on what
    # is no UTF-8.
    if not (listspec.isascii() and listspec.isprintable()):
        return None
    return getUtility(IListManager).get(listspec)


def find_plugin() -> Any:
    """The plugin, under whatever name; None if it is not enabled.

    Its configuration is the one in force now.
    """
    for plugin in config.plugins.values():
        if ITrustedServerPlugin.providedBy(plugin):
            plugin.refresh()
            return plugin
    return None


def put_on_chain(mlist: Any, posting_chain: str) -> None:
    """Put a list on a posting chain, and log it.

    :param mlist: The `IMailingList`.
    :param posting_chain: The name of the chain.
    """
    mlist.posting_chain = posting_chain
    plugins.info('%s', chain_line(mlist.list_id, posting_chain))


def values_of(mlist: Any) -> MailingList:
    """What a decision depends on in a mailing list of Mailman.

    :param mlist: The `IMailingList`.
    """
    return MailingList(
        mlist.list_id,
        mlist.posting_address,
        mlist.posting_chain,
        mlist.default_nonmember_action.name,
    )


def settings_for(mlist: MailingList) -> Union[Settings, Reason]:
    """The settings in force for a list, or why there are none.

    :param mlist: The list.
    """
    plugin = find_plugin()
    if plugin is None or not plugin.enabled:
        return Reason.NOT_ENABLED
    configuration = plugin.configuration
    if configuration is None:
        return Reason.CONFIGURATION_ERROR
    return configuration.for_list(mlist)


def is_usenet(msgdata: Any) -> bool:
    """Whether `mailman gatenews` put a post into the queue.

    :param msgdata: The metadata of the post.
    """
    return bool(msgdata.get(_USENET))


@dbconnection
def maybe_usenet(store: Any) -> set[str]:
    """The posts that are held, on any list, and may be Usenet articles.

    :return: The `data_hash` of each whose metadata says something of it.  To load
        all of the metadata takes Mailman longer than to decide on the post.
    """
    found = store.query(Pended.token).join(Pended.key_values)
    return {token for (token,) in found.filter(PendedKeyValue.key.in_(_USENET_KEYS))}


def held_header(message_id: str) -> Optional[Header]:
    """The header of a held message; None if its content is lost.

    :param message_id: Its Message-ID, which is its key in Mailman's store.
    """
    try:
        msg = getUtility(IMessageStore).get_message_by_id(message_id)
        return None if msg is None else Header.of(msg)
    except Exception:
        # The file in the store cannot be read or unpickled.
        log.exception('trusted-server: held message %s', message_id)
        return None


def find_signature(
    mlist: Any, settings: Settings, post: Callable[[], tuple[bytes, float]]
) -> Optional[Reason]:
    """Look for a DKIM signature of the sender's domain on a post; asks DNS.

    :param mlist: The `IMailingList`, whose address or an acceptable alias of it
        the signed fields must name.
    :param settings: What is in force for the list.
    :param post: What gives the post as it came, with CR LF, and when that was,
        in seconds since the epoch.
    :return: Why there is none; None if there is one.  Nothing is raised.
    """
    try:
        # An alias may be a regular expression, which names no address.
        aliases = IAcceptableAliasSet(mlist).aliases
        message, received_at = post()
        result = check(
            message,
            _key_records.for_post(),
            domains=settings.policy.sender_domains,
            destinations=[
                mlist.posting_address,
                *(alias for alias in aliases if not alias.startswith('^')),
            ],
            received_at=received_at,
        )
    except Exception:
        log.exception('trusted-server: a signature could not be looked for')
        return Reason.INTERNAL_ERROR
    if result.refusal is None:
        return None
    return Reason(result.refusal.value)  # type: ignore[call-arg]


def _as_it_came(
    msg: Message, header: Header, msgdata: dict[str, Any]
) -> tuple[bytes, float]:
    """A post, and when it came: by Mailman's LMTP runner, else by its newest field."""
    time = msgdata.get('received_time')
    if time is None:
        # Without a date, it is as old as can be.
        return as_received(msg), header.received_at or 0.0
    # Mailman's times have no zone, and are UTC.
    zone = time.tzinfo or timezone.utc
    return as_received(msg), time.replace(tzinfo=zone).timestamp()


def is_trusted(mlist: Any, msg: Message, msgdata: dict[str, Any]) -> bool:
    """Whether the rule matches a post; never raises.

    The verdict is kept in the metadata of the post, and logged in one line of
    Mailman's `vette` log.

    :param mlist: The `IMailingList`.
    :param msg: The post.
    :param msgdata: The metadata of the post.
    """
    header, values = Header(), None
    try:
        values = values_of(mlist)
        header = Header.of(msg)
        settings = settings_for(values)
        signed = None
        if isinstance(settings, Settings):
            post = partial(_as_it_came, msg, header, msgdata)
            signed = partial(find_signature, mlist, settings, post)
        decision = decide(
            header, settings, values, usenet=is_usenet(msgdata), signed=signed
        )
    except Exception:
        log.exception('trusted-server: a post could not be judged')
        verdict = Verdict(False, Reason.INTERNAL_ERROR)
        decision = Decision(header, verdict, mlist=values)
    try:
        msgdata[MSGDATA_KEY] = keep(decision)
        vette.info(log_line(decision))
    except Exception:
        log.exception('trusted-server: a verdict could not be logged')
    return decision.bypasses
