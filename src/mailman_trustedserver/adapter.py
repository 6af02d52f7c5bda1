# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Mailman and the pure modules.

From Mailman's message, list and configuration to fields, settings and a
verdict, and back to a log line.  This is the one place where a mistake of ours
is caught: a rule that raises would shunt the post.
"""

from __future__ import annotations

import json
import logging

from email.message import Message
from mailman.config import config
from mailman.interfaces.plugin import IPlugin
from mailman_trustedserver.header import Header
from mailman_trustedserver.policy import evaluate, Policy, Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import MalformedReceived, parse_received
from mailman_trustedserver.settings import OBSERVE, Settings
from typing import Any, Optional
from zope.interface import Attribute


__all__ = [
    'CHAIN',
    'DEFAULT_CHAIN',
    'RULE',
    'ITrustedServerPlugin',
    'describe',
    'describe_settings',
    'find_plugin',
    'is_trusted',
    'judge',
]

RULE = 'trusted-server'
CHAIN = 'trusted-server-posting-chain'
DEFAULT_CHAIN = 'default-posting-chain'

# The member of a post's msgdata that keeps the verdict.
MSGDATA_KEY = 'trusted_server'

# A value in the log line, such as a Message-ID, is cut here.  A verdict in
# msgdata is no longer than that, since PostgreSQL puts the value into an index.
MAX_LOGGED_LENGTH = 200
MAX_KEPT_LENGTH = 1000
CUT = '...'

log = logging.getLogger('mailman.error')
vette = logging.getLogger('mailman.vette')


class ITrustedServerPlugin(IPlugin):
    """The plugin, for those who look for it among all plugins."""

    settings = Attribute("""The `Settings` in force, None if they did not load.""")

    error = Attribute(
        """The error of the configuration as one line, None if it loaded."""
    )


def find_plugin() -> Optional[Any]:
    """The plugin, under whatever name; None if it is not enabled."""
    for plugin in config.plugins.values():
        if ITrustedServerPlugin.providedBy(plugin):
            return plugin
    return None


def describe(verdict: Verdict, header: Header) -> dict[str, Any]:
    """A verdict for people and programs, of plain values only.

    :param verdict: The verdict.
    :param header: The header that it is about.
    :return: A dictionary that JSON can hold; its hops are newest first.
    """
    fields = header.received
    hops = []
    for field, finding in zip(fields, verdict.findings):
        hop, problem = finding.hop, finding.problem
        if not finding.attested:
            # The verdict rests on nothing in it, but people want to see it.
            try:
                hop = parse_received(field)
            except MalformedReceived as error:
                problem = str(error)
        hops.append(
            {
                'peer': None if hop is None or hop.peer is None else str(hop.peer),
                'helo': hop and _plain(hop.helo),
                'by': hop and _plain(hop.by),
                'protocol': hop and _plain(hop.protocol),
                'authenticated': hop is not None and hop.authenticated,
                'reinjection': hop is not None and hop.reinjection,
                'attested': finding.attested,
                'trusted_local_servers': finding.local,
                'trusted_remote_servers': finding.remote,
                'problem': problem,
            }
        )
    return {
        'message_id': _plain(header.message_id),
        'trusted': verdict.trusted,
        'reason': verdict.reason.value,
        'proof': verdict.proof,
        'route_reason': (verdict.route or verdict.reason).value,
        'explanation': verdict.explanation,
        'remedy': verdict.remedy,
        'actor': verdict.reason.actor.value,
        'case': verdict.case,
        'details': verdict.details,
        'hops': hops,
        'fields_not_read': len(fields) - len(hops),
    }


def _plain(text: Optional[str]) -> Optional[str]:
    # Bytes that are no ASCII stand in a header as surrogates, which no program
    # that gets the text could write out again.
    return text and text.encode('utf-8', 'backslashreplace').decode('utf-8')


def describe_settings(settings: Settings) -> dict[str, Any]:
    """Settings for people and programs, of plain values only.

    :param settings: The settings.
    :return: A dictionary that JSON can hold, by the names of the keys in the
        configuration, with the warnings.
    """
    policy = settings.policy
    return {
        'trusted_local_servers': list(policy.local.entries),
        'trusted_remote_servers': list(policy.remote.entries),
        'submission': policy.submission.value,
        'local_submission': policy.local_submission,
        'reinjection_users': sorted(policy.reinjection_users),
        'alias_hops': policy.alias_hops,
        'nonmember_actions': sorted(settings.nonmember_actions),
        'bypassed_actions': sorted(settings.bypassed_actions),
        'mode': settings.mode,
        'digest': settings.digest,
        'warnings': settings.warnings,
    }


def judge(mlist: Any, header: Header, usenet: bool = False) -> Verdict:
    """The verdict on a post to a list, by the configuration in force.

    :param mlist: The mailing list.
    :param header: The header of the post.
    :param usenet: Whether it is a Usenet article.
    """
    plugin = find_plugin()
    settings = None if plugin is None else plugin.settings
    policy = Policy() if settings is None else settings.policy
    verdict = evaluate(header.received, policy, header.evidence(usenet))
    # Whatever the route, these decide; it is still there to be shown.
    if plugin is None:
        return verdict.overruled(Reason.NOT_ENABLED)
    if settings is None:
        return verdict.overruled(Reason.CONFIGURATION_ERROR)
    if mlist.default_nonmember_action.name not in settings.nonmember_actions:
        return verdict.overruled(Reason.NONMEMBER_ACTION)
    return verdict


def is_usenet(msgdata: Any) -> bool:
    """Whether `mailman gatenews` put a post into the queue.

    :param msgdata: The metadata of the post.
    """
    return bool(msgdata.get('fromusenet'))


def is_trusted(mlist: Any, msg: Message, msgdata: dict[str, Any]) -> bool:
    """Whether a post bypasses moderation; never raises.

    The verdict is kept in the metadata of the post, and logged in one line of
    Mailman's `vette` log.
    """
    header, mode, digest = Header(), '', ''
    try:
        header = Header.of(msg)
        plugin = find_plugin()
        if plugin is not None and plugin.settings is not None:
            mode, digest = plugin.settings.mode, plugin.settings.digest
        verdict = judge(mlist, header, is_usenet(msgdata))
    except Exception:
        log.exception('trusted-server: a post could not be judged')
        verdict = Verdict(False, Reason.INTERNAL_ERROR)
    observed = verdict.trusted and mode == OBSERVE
    try:
        msgdata[MSGDATA_KEY] = _kept(verdict, digest)
        vette.info(_log_line(mlist, header, verdict, observed))
    except Exception:
        log.exception('trusted-server: a verdict could not be logged')
    return verdict.trusted and not observed


def _peers(verdict: Verdict) -> list[str]:
    """The attested peers, the newest first, up to the one that decided it."""
    end = None if verdict.decisive is None else verdict.decisive + 1
    return [
        str(finding.peer)
        for finding in verdict.findings[:end]
        if finding.peer is not None
    ]


def _cut(peers: list[str], limit: int) -> list[str]:
    """The peers, without some in the middle if they are too long together."""
    length = sum(map(len, peers)) + len(peers)
    if length <= limit:
        return peers
    first, last = peers[:1], peers[1:]
    while last[1:] and length + len(CUT) + 1 > limit:
        length -= len(last.pop(0)) + 1
    return [*first, CUT, *last]


def _kept(verdict: Verdict, digest: str) -> str:
    # Mailman pickles what is not plain, and could not read it once we are gone.
    return json.dumps(
        {
            'trusted': verdict.trusted,
            'reason': verdict.reason.value,
            'proof': verdict.proof,
            'peers': _cut(_peers(verdict), MAX_KEPT_LENGTH // 2),
            'digest': digest,
        }
    )


def _log_line(mlist: Any, header: Header, verdict: Verdict, observed: bool) -> str:
    pairs = {
        'message-id': header.message_id,
        'list': mlist.list_id,
        'verdict': 'trusted' if verdict.trusted else 'not-trusted',
        'reason': verdict.reason.value,
        'peers': ','.join(_cut(_peers(verdict), MAX_LOGGED_LENGTH)),
    }
    if verdict.proof:
        pairs['proof'] = verdict.proof
    if observed:
        pairs['mode'] = OBSERVE
    return 'trusted-server: ' + ' '.join(
        f'{key}={_log_value(value)}' for key, value in pairs.items()
    )


def _log_value(text: str) -> str:
    # A sender chose some of these.  What is not plain becomes a JSON string,
    # in which a line break or a space cannot pass for the end of the value.
    if len(text) > MAX_LOGGED_LENGTH:
        text = text[: MAX_LOGGED_LENGTH - len(CUT)] + CUT
    if text.isascii() and text.isprintable() and ' ' not in text and '"' not in text:
        return text
    return json.dumps(text)
