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
import os
import stat

from contextlib import ExitStack
from email.message import Message
from mailman.config import config
from mailman.interfaces.plugin import IPlugin
from mailman.utilities.modules import expand_path
from mailman_trustedserver.header import Header
from mailman_trustedserver.policy import Policy, Verdict, evaluate
from mailman_trustedserver.reasons import Reason
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

# Of a configuration file, in octets: a hundred thousand networks take 2 MB.
MAX_FILE_LENGTH = 16 * 1024 * 1024

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
            text = _read_regular(file).decode('utf-8-sig')
    # A package of `python:` may raise anything while it is imported, and may
    # want to end the process.
    except (Exception, SystemExit) as error:
        cause = getattr(error, 'strerror', None) or error or type(error).__name__
        raise SettingsError(
            filename,
            section,
            key,
            f'{path!a} cannot be read ({cause}); name an absolute path or '
            'python:package.name, of a file in UTF-8 that the user of Mailman may '
            'read',
        ) from None
    return read_sections(text, path)


def _read_regular(path: Path) -> bytes:
    """The bytes of a regular file; nothing else is waited for."""
    # Opening a FIFO would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError('it is a directory, a device or the like, no regular file')
    with open(descriptor, 'rb') as file:
        data = file.read(MAX_FILE_LENGTH + 1)
    if len(data) > MAX_FILE_LENGTH:
        raise ValueError(f'it is longer than {MAX_FILE_LENGTH} octets')
    return data
