# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Mailman and the pure modules.

From Mailman's message, list and configuration to values, one decision, and back
to a log line.  This is the one place where a mistake of ours is caught: a rule
that raises would shunt the post.
"""

from __future__ import annotations

import logging

from email.message import Message
from mailman.config import config
from mailman.interfaces.plugin import IPlugin
from mailman_trustedserver.decision import decide, Decision
from mailman_trustedserver.header import Header
from mailman_trustedserver.names import MSGDATA_KEY
from mailman_trustedserver.policy import Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import keep, log_line
from mailman_trustedserver.settings import MailingList, Settings
from typing import Any, Union
from zope.interface import Attribute


__all__ = [
    'ITrustedServerPlugin',
    'find_plugin',
    'is_trusted',
    'is_usenet',
    'settings_for',
    'values_of',
]

log = logging.getLogger('mailman.error')
vette = logging.getLogger('mailman.vette')


class ITrustedServerPlugin(IPlugin):
    """The plugin, for those who look for it among all plugins."""

    configuration = Attribute(
        """The `Configuration` in force, None if it did not load."""
    )

    error = Attribute(
        """The error of the configuration as one line, None if it loaded."""
    )


def find_plugin() -> Any:
    """The plugin, under whatever name; None if it is not enabled."""
    for plugin in config.plugins.values():
        if ITrustedServerPlugin.providedBy(plugin):
            return plugin
    return None


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
    if plugin is None:
        return Reason.NOT_ENABLED
    configuration = plugin.configuration
    if configuration is None:
        return Reason.CONFIGURATION_ERROR
    return configuration.for_list(mlist)


def is_usenet(msgdata: Any) -> bool:
    """Whether `mailman gatenews` put a post into the queue.

    :param msgdata: The metadata of the post.
    """
    return bool(msgdata.get('fromusenet'))


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
        decision = decide(
            header, settings_for(values), values, usenet=is_usenet(msgdata)
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
