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

from collections.abc import Iterator
from contextlib import ExitStack
from email.message import Message
from email.parser import BytesHeaderParser
from mailman.config import config
from mailman.interfaces.plugin import IPlugin
from mailman.utilities.modules import expand_path
from mailman_trustedserver.policy import Policy, Reason, Verdict, evaluate
from mailman_trustedserver.received import MalformedReceived, parse_received
from mailman_trustedserver.settings import (
    FILE_SECTION,
    MAILMAN_KEYS,
    OBSERVE,
    Settings,
    SettingsError,
    parse_settings,
    read_sections,
)
from pathlib import Path
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
    'load_settings',
    'parse_message',
    'received_fields',
]

RULE = 'trusted-server'
CHAIN = 'trusted-server-posting-chain'
DEFAULT_CHAIN = 'default-posting-chain'

# Text without any of these fields is no message.
MESSAGE_FIELDS = ('from', 'date', 'message-id', 'received', 'subject', 'to')

# A value in the log line, such as a Message-ID, is cut here.
MAX_LOGGED_LENGTH = 200

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


def parse_message(data: bytes) -> Message:
    """The header of a message; its body is not parsed, whatever is in it.

    :param data: An RFC 5322 message, with CR LF or LF.
    :return: The header as Mailman sees it.
    :raises ValueError: if there is no header of a message.
    """
    msg = BytesHeaderParser().parsebytes(data)
    if not any(name in msg for name in MESSAGE_FIELDS):
        raise ValueError('this is no RFC 5322 message')
    return msg


def received_fields(msg: Message) -> Iterator[str]:
    """The values of the Received fields, newest first, not decoded."""
    return _raw_values(msg, 'received')


def _raw_values(msg: Message, wanted: str) -> Iterator[str]:
    # Not get_all(), which wraps a value with 8-bit bytes into a `Header`.
    length = len(wanted)
    for name, value in msg.raw_items():
        if len(name) == length and name.lower() == wanted:
            yield value if isinstance(value, str) else str(value)


def describe(verdict: Verdict, msg: Message) -> dict[str, Any]:
    """A verdict for people and programs, of plain values only.

    :param verdict: The verdict.
    :param msg: The message that it is about.
    :return: A dictionary that JSON can hold; its hops are newest first.
    """
    fields = list(received_fields(msg))
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
        'message_id': _plain(next(_raw_values(msg, 'message-id'), '').strip()),
        'trusted': verdict.trusted,
        'reason': verdict.reason.value,
        'explanation': verdict.explanation,
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
        'nonmember_actions': sorted(settings.nonmember_actions),
        'mode': settings.mode,
        'warnings': settings.warnings,
    }


def judge(mlist: Any, msg: Message) -> Verdict:
    """The verdict on a post to a list, by the configuration in force."""
    plugin = find_plugin()
    settings = None if plugin is None else plugin.settings
    policy = Policy() if settings is None else settings.policy
    verdict = evaluate(received_fields(msg), policy)
    # Whatever the route, these decide; it is still there to be shown.
    if plugin is None:
        reason = Reason.NOT_ENABLED
    elif settings is None:
        reason = Reason.CONFIGURATION_ERROR
    elif mlist.default_nonmember_action.name not in settings.nonmember_actions:
        reason = Reason.NONMEMBER_ACTION
    else:
        return verdict
    return Verdict(False, reason, verdict.findings)


def is_trusted(mlist: Any, msg: Message) -> bool:
    """Whether a post bypasses moderation; never raises.

    The verdict is logged in one line of Mailman's `vette` log.
    """
    observed = False
    try:
        verdict = judge(mlist, msg)
        observed = verdict.trusted and find_plugin().settings.mode == OBSERVE
    except Exception:
        log.exception('trusted-server: a post could not be judged')
        verdict = Verdict(False, Reason.INTERNAL_ERROR)
    try:
        vette.info(_log_line(mlist, msg, verdict, observed))
    except Exception:
        log.exception('trusted-server: a verdict could not be logged')
    return verdict.trusted and not observed


def _log_line(mlist: Any, msg: Message, verdict: Verdict, observed: bool) -> str:
    peers = (
        str(finding.hop.peer)
        for finding in verdict.findings
        if finding.hop is not None and finding.hop.peer is not None
    )
    pairs = {
        'message-id': next(_raw_values(msg, 'message-id'), '').strip(),
        'list': mlist.list_id,
        'verdict': 'trusted' if verdict.trusted else 'not-trusted',
        'reason': verdict.reason.value,
        'peers': ','.join(peers),
    }
    if observed:
        pairs['mode'] = OBSERVE
    return 'trusted-server: ' + ' '.join(
        f'{key}={_log_value(value)}' for key, value in pairs.items()
    )


def _log_value(text: str) -> str:
    # A sender chose some of these.  What is not plain becomes a JSON string,
    # in which a line break or a space cannot pass for the end of the value.
    text = text[:MAX_LOGGED_LENGTH]
    if text.isascii() and text.isprintable() and ' ' not in text and '"' not in text:
        return text
    return json.dumps(text)


def load_settings(name: str) -> Settings:
    """Read the settings from where the configuration keeps them.

    :param name: The name of the plugin, from its section [plugin.NAME].
    :return: The settings.
    :raises SettingsError: if they do not load.
    """
    # Mailman's own reader drops keys that its schema does not have, so the
    # file is read once more.
    filename = config.filename
    section = f'plugin.{name}'
    if filename is None:
        raise SettingsError(
            'mailman.cfg',
            section,
            None,
            'Mailman runs without a configuration file; write one and name '
            'it with -C or MAILMAN_CONFIG_FILE',
        )
    values = _read(filename, filename).get(section)
    if values is None:
        raise SettingsError(
            filename,
            section,
            None,
            'the section is not in this file; keep it here, not in a file '
            'that this one extends',
        )
    own = {key: value for key, value in values.items() if key not in MAILMAN_KEYS}
    path = values.get('configuration', '').strip()
    if not path:
        return parse_settings(own, filename, section)
    sections = _read(path, filename, section, 'configuration')
    for other in sections:
        if other != FILE_SECTION:
            raise SettingsError(
                path,
                other,
                None,
                f'this section is not known; the only one is [{FILE_SECTION}]',
            )
    if FILE_SECTION not in sections:
        raise SettingsError(
            path,
            None,
            None,
            f'there is no section [{FILE_SECTION}]; write one, with '
            'trusted_local_servers and trusted_remote_servers',
        )
    if not sections[FILE_SECTION]:
        return parse_settings(own, filename, section)
    if own:
        raise SettingsError(
            filename,
            section,
            ', '.join(own),
            f'there are keys here and in {path}; keep them in one place',
        )
    return parse_settings(sections[FILE_SECTION], path, FILE_SECTION)


def _read(
    path: str, filename: str, section: Optional[str] = None, key: Optional[str] = None
) -> dict[str, dict[str, str]]:
    """The sections of a file; an error names the place that named the file."""
    try:
        with ExitStack() as resources:
            file = Path(expand_path(resources, path))
            if not file.is_absolute():
                raise ValueError('it is no absolute path')
            text = file.read_bytes().decode('utf-8-sig')
    except (ImportError, OSError, TypeError, ValueError) as error:
        cause = getattr(error, 'strerror', None) or error
        raise SettingsError(
            filename,
            section,
            key,
            f'{path!a} cannot be read ({cause}); name an absolute path or '
            'python:package.name, of a file in UTF-8 that the user of Mailman may '
            'read',
        ) from None
    return read_sections(text, path)
