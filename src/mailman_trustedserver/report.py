# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A decision for people and programs: plain values, a drawing, a log line."""

from __future__ import annotations

import json
import re
import textwrap

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from ipaddress import ip_address
from mailman_trustedserver.addresses import format_address
from mailman_trustedserver.decision import Decision, Obstacle
from mailman_trustedserver.header import stamped_at
from mailman_trustedserver.names import RULE
from mailman_trustedserver.nearest import nearest
from mailman_trustedserver.policy import Finding, MAX_FIELDS, Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import MalformedReceived, parse_received
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import OBSERVE, Settings
from typing import Any, Callable, Optional


__all__ = [
    'chain_line',
    'day_of',
    'describe',
    'describe_briefly',
    'describe_configuration',
    'describe_settings',
    'describe_then',
    'draw',
    'escape',
    'keep',
    'kept_signature',
    'log_line',
    'printable',
    'read_chain_line',
    'read_kept',
    'read_log',
    'read_log_by_day',
    'read_log_line',
    'read_take_up',
    'take_up_line',
]

# A value in the log line, such as a Message-ID, is cut here.  A verdict in
# msgdata is no longer than that, since PostgreSQL puts the value into an index.
MAX_LOGGED_LENGTH = 200
MAX_KEPT_LENGTH = 1000
CUT = '...'

# A name from a message is cut here when it is drawn.
MAX_DRAWN_LENGTH = 80

# What a terminal may not know.
_QUOTES = {0x201C: '"', 0x201D: '"'}

# Of the part of a field that can be read, the end is shown.
MAX_READ_LENGTH = 100

# A whole field is cut here; those that servers write are shorter.
MAX_FIELD_LENGTH = 4000

# Of a terminal, in characters.
WIDTH = 79


def describe(decision: Decision) -> dict[str, Any]:
    """A decision as plain values only.

    :param decision: The decision.
    :return: A dictionary that JSON can hold; its hops are newest first.
    """
    verdict, fields = decision.verdict, decision.header.received
    route, known = verdict.route or verdict.reason, decision.settings is not None
    # The sender's domain is looked at once the route is trusted.
    good = route.trusted or route is Reason.SENDER_DOMAIN
    unproved_at = None if good else _unproved_at(verdict, route)
    # Whoever handed the message to an outgoing server need not be listed.
    sender = good or (unproved_at is not None and route not in _OF_SEVERAL_HOPS)
    attested = [finding for finding in verdict.findings if finding.attested]
    ended = attested and known and not good and unproved_at is None
    return {
        **_described_verdict(decision),
        'hops': [
            {
                **_described_hop(field, finding),
                'standing': _standing(finding, sender) if known else 'unknown',
            }
            for field, finding in zip(fields, verdict.findings)
        ],
        'ended_at': len(attested) - 1 if ended else None,
        'unproved_at': unproved_at,
        'fields_not_read': len(fields) - len(verdict.findings),
        'older_change_nothing': known and route is not Reason.TOO_MANY_FIELDS,
    }


# The proof was that there is at most one hop.
_OF_SEVERAL_HOPS = {Reason.TOO_MANY_HOPS, Reason.TOO_MANY_FIELDS}

# The proofs that stand in the header beside the route.
_BESIDE_THE_ROUTE = {'microsoft-365', 'dkim'}


def _unproved_at(verdict: Verdict, route: Reason) -> Optional[int]:
    """Where the proof of submission was to be that is missing.

    :return: The position of the hop; None if no outgoing server was reached.
    """
    if _BESIDE_THE_ROUTE.intersection(verdict.asked[-1:]):
        findings = verdict.findings
        return max(n for n, finding in enumerate(findings) if finding.outgoing)
    asked = verdict.asked or route is Reason.OWN_HOST
    return verdict.decisive if asked else None


def _standing(finding: Finding, sender: bool) -> str:
    """What the peer of a hop is to the lists.

    :param sender: Whether one that is on none may be the sender's.
    """
    if not finding.attested:
        return 'anybody'
    if finding.local is not None or finding.outgoing:
        return 'listed'
    if finding.peer is None:
        return 'no-peer'
    return 'sender' if sender else 'unlisted'


def _described_verdict(decision: Decision) -> dict[str, Any]:
    """A decision as plain values only, without the route.

    :param decision: The decision.
    """
    verdict = decision.verdict
    return {
        **_described_list(decision),
        'message_id': _plain(decision.header.message_id),
        'trusted': verdict.trusted,
        'reason': verdict.reason.value,
        'proof': verdict.proof,
        'asked': list(verdict.asked),
        'route_reason': (verdict.route or verdict.reason).value,
        'explanation': verdict.explanation,
        'remedy': verdict.remedy,
        'actor': verdict.reason.actor.value,
        'case': verdict.case,
        'details': verdict.details,
    }


def describe_briefly(decision: Decision) -> dict[str, Any]:
    """A decision as plain values only, as far as it is told in one line.

    :param decision: The decision on a post to a list.
    """
    verdict, mlist = decision.verdict, decision.mlist
    sentence = verdict.reason.sentence
    return {
        'trusted': verdict.trusted,
        'reason': verdict.reason.value,
        'explanation': verdict.explanation,
        'details': {
            key: value
            for key, value in verdict.details.items()
            if f'{{{key}}}' in sentence
        },
        'default_nonmember_action': mlist and mlist.default_nonmember_action,
        'obstacles': [obstacle.value for obstacle in decision.obstacles],
    }


def _described_list(decision: Decision) -> dict[str, Any]:
    mlist, settings = decision.mlist, decision.settings
    if mlist is None:
        return {}
    return {
        'list_id': mlist.list_id,
        'posting_chain': mlist.posting_chain,
        'default_nonmember_action': mlist.default_nonmember_action,
        'nonmember_actions': settings and sorted(settings.nonmember_actions),
        'mode': settings and settings.mode,
        'obstacles': [obstacle.value for obstacle in decision.obstacles],
    }


def _described_hop(field: str, finding: Finding) -> dict[str, Any]:
    hop, problem = finding.hop, finding.problem
    if not finding.attested:
        # The verdict rests on nothing in it, but people want to see it.
        try:
            hop = parse_received(field)
        except MalformedReceived as error:
            problem = str(error)
    return {
        'peer': None if hop is None or hop.peer is None else str(hop.peer),
        'helo': hop and _plain(hop.helo),
        'by': hop and _plain(hop.by),
        'protocol': hop and _plain(hop.protocol),
        'authenticated': hop is not None and hop.authenticated,
        'reinjection': hop is not None and hop.reinjection,
        'attested': finding.attested,
        'trusted_local_servers': finding.local,
        'outgoing': dict(finding.outgoing),
        'problem': problem,
        'nearest': _described_nearest(field) if finding.attested and problem else None,
        'time': _time(field),
        'field': _shown_field(field),
    }


def _time(field: str) -> Optional[str]:
    """When a field was stamped, as its server says, in UTC and ISO 8601."""
    seconds = stamped_at(field)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (OSError, OverflowError, ValueError):
        # A year that nobody lives in.
        return None


def _shown_field(field: str) -> str:
    """A field as it came, on several lines, safe and not too long."""
    cut = CUT if len(field) > MAX_FIELD_LENGTH else ''
    lines = field[:MAX_FIELD_LENGTH].strip('\r\n').splitlines()
    return '\n'.join(printable(line.replace('\t', '    ')) for line in lines) + cut


def _described_nearest(field: str) -> Optional[dict[str, Any]]:
    """How far the nearest form reads a field that no form reads."""
    reading = nearest(field)
    if reading is None:
        return None
    read, rest = reading.text[: reading.end], reading.text[reading.end :]
    cut = CUT if len(read) > MAX_READ_LENGTH else ''
    return {
        'form': reading.row.name,
        'read': cut + str(_plain(read[-MAX_READ_LENGTH:])),
        'expected': reading.expected,
        'instead': _plain(rest[:MAX_DRAWN_LENGTH]),
    }


def _plain(text: Optional[str]) -> Optional[str]:
    return text and printable(text)


def printable(text: str) -> str:
    """Text from a message as people can read it, whatever is in it.

    :param text: The text, with surrogates for bytes that are no ASCII.
    :return: The same, with UTF-8 read as such.  What cannot be seen (control
        characters, those that change the direction of text) or is no text is
        escaped.
    """
    with suppress(UnicodeEncodeError):
        octets = text.encode('utf-8', 'surrogateescape')
        text = octets.decode('utf-8', 'surrogateescape')
    return ''.join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in text
    )


def describe_settings(settings: Settings) -> dict[str, Any]:
    """Settings as plain values only.

    :param settings: The settings.
    :return: A dictionary that JSON can hold, by the names of the keys in the
        configuration.
    """
    return {
        **settings.values,
        'digest': settings.digest,
        'sources': dict(settings.sources),
    }


def describe_configuration(configuration: Configuration) -> dict[str, Any]:
    """A configuration as plain values only.

    :param configuration: The configuration.
    :return: A dictionary that JSON can hold: the settings of the site with their
        sources, and of each other section what it sets itself.
    """
    site = configuration.site
    return {
        'settings': site.values,
        'sources': dict(site.sources),
        'sections': {
            section: settings.own_values(section)
            for section, settings in configuration.sections.items()
        },
        'digest': configuration.digest,
    }


# The drawing.


def draw(decision: Decision, source: str) -> str:
    """The route from the sender's program down to Mailman, and the verdict.

    :param decision: The decision.
    :param source: Where the message is from, such as the name of a file.
    :return: Lines of text that are safe on a terminal, whatever the message has.
    """
    description = describe(decision)
    title = escape(source)
    if description['message_id']:
        title += ': ' + _drawn(description['message_id'])
    lines = [title, '']
    if description['fields_not_read']:
        older = f'{description["fields_not_read"]} older fields were not read'
        if description['older_change_nothing']:
            older += ': they change nothing'
        lines += [f'    ({older})', '    |']
    for hop in reversed(description['hops']):
        lines += _drawn_hop(hop)
    if description['hops']:
        lines += ['    Mailman']
    verdict = 'trusted' if description['trusted'] else 'not trusted'
    lines += [
        '',
        _drawn_list(decision),
        f'{verdict} ({description["reason"]}): ' + description['explanation'],
        *textwrap.wrap(description['remedy'], WIDTH),
        '',
    ]
    return '\n'.join(lines)


def _drawn_list(decision: Decision) -> str:
    """What the verdict is about, and whether it has an effect."""
    mlist = decision.mlist
    if mlist is None:
        return 'The route alone (--list LIST judges it as a post to a list):'
    notes = [
        f' (no effect: {escape(obstacle.describe(mlist))})'
        for obstacle in decision.obstacles
        # The verdict says it if it is this one.
        if obstacle.value != decision.verdict.reason.value
    ]
    return f'As a post to {mlist.list_id}{"".join(notes[:1])}:'


# What the drawing says of a peer that is on no list.
_STANDINGS = {
    'anybody': ['anybody could have written this'],
    'sender': ['on no list'],
    'unlisted': ['on no list'],
    'unknown': ['which servers are trusted is not known'],
}


def _drawn_hop(hop: dict[str, Any]) -> list[str]:
    lists = {'trusted_local_servers': hop['trusted_local_servers'], **hop['outgoing']}
    notes = [f'{key}: {entry}' for key, entry in lists.items() if entry is not None]
    notes += _STANDINGS.get(hop['standing'], [])
    if hop['problem']:
        peer, notes = 'unreadable field', [hop['problem'], *notes]
    elif hop['reinjection']:
        peer = 'the same host'
    else:
        peer = hop['peer'] or 'address hidden or ambiguous'
    if hop['helo']:
        peer += f' (HELO {_drawn(hop["helo"])})'
    arrow = [hop['protocol'] or '?']
    if hop['authenticated']:
        arrow.append('AUTH')
    how_far = hop['nearest'] and textwrap.wrap(
        f'{hop["nearest"]["form"]} reads {escape(hop["nearest"]["read"])} '
        f'<-- expected {escape(hop["nearest"]["expected"].translate(_QUOTES))}',
        WIDTH,
        initial_indent='      ',
        subsequent_indent='      ',
    )
    return [
        f'    {peer}' + (f'   [{"; ".join(notes)}]' if notes else ''),
        *(how_far or ()),
        f'    | {_drawn(", ".join(arrow))}',
        f'    v  {_drawn(hop["by"] or "?")}',
    ]


def _drawn(text: str) -> str:
    """Text from a message, safe on a terminal and not too long."""
    cut = CUT if len(text) > MAX_DRAWN_LENGTH else ''
    return escape(text[:MAX_DRAWN_LENGTH]) + cut


def escape(text: str) -> str:
    """Text that is safe on a terminal: ASCII, without control characters."""
    return ''.join(
        character
        if character.isascii() and character.isprintable()
        else ascii(character)[1:-1]
        for character in text
    )


# What is kept with a post, and logged.


def keep(decision: Decision) -> str:
    """The verdict as one JSON text of at most `MAX_KEPT_LENGTH` characters.

    :param decision: The decision.
    """
    verdict, settings = decision.verdict, decision.settings
    kept = {
        'trusted': verdict.trusted,
        'reason': verdict.reason.value,
        'proof': verdict.proof,
        'peers': _cut(_peers(verdict), MAX_KEPT_LENGTH // 2),
        'server': verdict.server,
        'digest': '' if settings is None else settings.digest,
    }
    if decision.observed:
        kept['mode'] = OBSERVE
    return json.dumps(kept)


# What can come of a look at a signature.
_DKIM_REASONS = [
    one
    for one in Reason
    if one.value.startswith('dkim-') and one is not Reason.DKIM_NOT_CHECKED
]

# The token of a reason or proof, a digest, and what stands for no address.
_TOKEN = re.compile(r'[a-z0-9-]{1,60}')
_DIGEST = re.compile(r'[0-9a-f]{0,64}')
_NO_PEER = '?'


def read_kept(text: object) -> Optional[dict[str, Any]]:
    """Read what `keep` wrote.

    :param text: The text, or whatever stands in its place.
    :return: Its members; None if it is not what `keep` writes.
    """
    if not isinstance(text, str) or len(text) > MAX_KEPT_LENGTH:
        return None
    try:
        kept = json.loads(text)
        return kept if _is_kept(kept) else None
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def _is_kept(kept: Any) -> bool:
    addresses = {*kept['peers'], kept['server']} - {CUT, _NO_PEER}
    return (
        kept.keys() - {'mode'}
        == {'trusted', 'reason', 'proof', 'peers', 'server', 'digest'}
        and kept.get('mode', OBSERVE) == OBSERVE
        and isinstance(kept['trusted'], bool)
        and isinstance(kept['peers'], list)
        and _TOKEN.fullmatch(kept['reason']) is not None
        and (kept['proof'] == '' or _TOKEN.fullmatch(kept['proof']) is not None)
        and all(isinstance(one, str) and ip_address(one) for one in addresses)
        and _DIGEST.fullmatch(kept['digest']) is not None
    )


def describe_then(text: object, decision: Decision) -> Optional[dict[str, Any]]:
    """What was decided when a post came, beside what is decided now.

    :param text: What was kept with it.
    :param decision: What is decided now.
    :return: What was kept, as a sentence too, and as `difference` why it is not
        what is decided now; None if nothing was kept.
    """
    kept = read_kept(text)
    if kept is None:
        return None
    then, now = _in_words(kept), _in_words(json.loads(keep(decision)))
    return {**then, 'difference': _difference(then, now)}


def kept_signature(
    text: object, decision: Decision
) -> Optional[Callable[[], Optional[Reason]]]:
    """What came of a post's DKIM signature when the post came.

    :param text: What was kept with it.
    :param decision: What is decided now, without asking DNS.
    :return: What stands in the place of a look at the signature, as in `Evidence`;
        None if nothing looked at it, or another configuration was in force.
    """
    kept, settings = read_kept(text), decision.settings
    if kept is None or settings is None or kept['digest'] != settings.digest:
        return None
    if kept['proof'] == 'dkim':
        return lambda: None
    reason = next((one for one in _DKIM_REASONS if one.value == kept['reason']), None)
    return None if reason is None else lambda: reason


def _in_words(kept: dict[str, Any]) -> dict[str, Any]:
    """What was kept, with the sentence of its reason.

    It is the token in the place of a sentence that says more than was kept.
    """
    details = {
        'peer': (kept['peers'] or [_NO_PEER])[-1],
        'server': kept['server'],
        'limit': str(MAX_FIELDS),
    }
    explanation = kept['reason']
    with suppress(KeyError, ValueError):
        reason = Reason(kept['reason'])  # type: ignore[call-arg]
        explanation = reason.sentence.format_map(details)
    observed = [Obstacle.OBSERVE.value] if 'mode' in kept else []
    return {
        **kept,
        'explanation': explanation,
        'details': details,
        'obstacles': observed,
    }


def _difference(then: dict[str, Any], now: dict[str, Any]) -> Optional[str]:
    """Why two verdicts on the same post differ; None if they do not."""
    alike = 'obstacles' if now['trusted'] else 'explanation'
    if then['trusted'] is now['trusted'] and then[alike] == now[alike]:
        return None
    reasons = {then['reason'], now['reason']}
    if Reason.INTERNAL_ERROR.value in reasons:
        return 'failure'
    if then['digest'] != now['digest']:
        return 'configuration'
    if Reason.NONMEMBER_ACTION.value in reasons:
        return 'list-settings'
    return 'rules'


def log_line(decision: Decision) -> str:
    """The decision on a post to a list as one line of a log.

    :param decision: The decision.
    :return: The line, for `read_log`.  Nothing in a message can add a pair to
        it or end it.
    """
    verdict, mlist = decision.verdict, decision.mlist
    pairs = {
        'message-id': decision.header.message_id,
        'list': '' if mlist is None else mlist.list_id,
        'verdict': 'trusted' if verdict.trusted else 'not-trusted',
        'reason': verdict.reason.value,
        'peers': ','.join(_cut(_peers(verdict), MAX_LOGGED_LENGTH)),
    }
    if verdict.proof:
        pairs['proof'] = verdict.proof
    elif verdict.asked:
        pairs['asked'] = ','.join(verdict.asked)
    if decision.observed:
        pairs['mode'] = OBSERVE
    return f'{RULE}: ' + ' '.join(
        f'{key}={_log_value(value)}' for key, value in pairs.items()
    )


_MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split()
# What stands before a line in a log: a date, the number of the process, the logger
# and the level, but no text of a message, which other lines of Mailman have in them.
_BEFORE = (
    r'(?=[0-9A-Zm])(?:[0-9:,.+/TZ ()\[\]-]|mailman\.(?:vette|plugins)|INFO|ERROR|UTC|'
    rf'{"|".join(_MONTHS)}|Mon|Tue|Wed|Thu|Fri|Sat|Sun)*'
)
_LOG_LINE = re.compile(rf'^({_BEFORE})({RULE}: message-id=.*)$', re.MULTILINE)
# What `_log_value` writes.
_VALUE = r'("(?:[^"\\]|\\.)*"|\S*)'
_LOG_PAIR = re.compile(rf'([a-z-]+)={_VALUE}(?: |$)')


def read_log(text: str) -> Iterator[dict[str, str]]:
    """Read the lines of `log_line` in a log; all others are left out.

    :param text: The log, with whatever Mailman puts before each line.
    :return: The pairs of each line, in the order of the log.
    """
    for _, pairs in read_log_by_day(text):
        yield pairs


def read_log_by_day(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The same with the day of each line, as YYYY-MM-DD.

    :param text: The log.
    :return: The days with the pairs; a day is empty if neither Mailman's own format
        nor an ISO 8601 date begins the line.
    """
    for found in _LOG_LINE.finditer(text):
        yield day_of(found[1]), read_log_line(found[2])


def read_log_line(line: str) -> dict[str, str]:
    """Read what `log_line` wrote.

    :param line: The line, without anything before it.
    :return: Its pairs.
    """
    return {key: _read_value(value) for key, value in _LOG_PAIR.findall(line)}


def _read_value(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        # Somebody cut or changed the log.
        return text


def day_of(text: str) -> str:
    """The day of a line in a log, as YYYY-MM-DD.

    :param text: The line, or what stands before the text in it.
    :return: The day; empty if neither Mailman's own format nor an ISO 8601 date
        begins it.
    """
    if text[:1].isdigit():
        found = re.match(r'\d{4}-\d\d-\d\d(?!\d)', text, re.ASCII)
        return '' if found is None else found[0]
    month, _, rest = text.partition(' ')
    found = re.match(r'(\d\d) [\d:]{8} (\d{4}) ', rest, re.ASCII)
    if month not in _MONTHS or found is None:
        return ''
    return f'{found[2]}-{_MONTHS.index(month) + 1:02}-{found[1]}'


# What a process says when it takes a configuration up.


def take_up_line(
    configuration: Optional[Configuration], error: Optional[str], enabled: bool
) -> str:
    """What is in force in a process, as one line of a log.

    :param configuration: The configuration; None if it did not load.
    :param error: Why not.
    :param enabled: Whether the section of the plugin says so.
    :return: The line, for `read_take_up`.
    """
    if configuration is None:
        text = f'{_NOBODY}{error}'
    elif not enabled:
        text = f'{_NOBODY}the plugin is not enabled'
    else:
        text = (
            f'configuration {configuration.digest} is in force: mode '
            f'{configuration.site.mode}, {configuration.entries} entries'
        )
    return f'{RULE}: {text}'


_NOBODY = 'no post is trusted: '
_TAKE_UP = re.compile(
    rf'({_BEFORE}){RULE}: (?:configuration ([0-9a-f]+) is in force: '
    rf'mode ([a-z]+), ([0-9]+) entries|{_NOBODY}(.+))\n?'
)
# Mailman writes the number of the process in parentheses.
_PROCESS = re.compile(r'\(([1-9][0-9]{0,8})\)')
_CLOCK = re.compile(r'[0-9]{2}:[0-9]{2}:[0-9]{2}')


def read_take_up(line: str) -> Optional[dict[str, Any]]:
    """Read what `take_up_line` wrote.

    :param line: A line of a log, with what Mailman puts before it.
    :return: The number of the process, when that was (a day and a time; empty if
        not known) and what is in force: a digest, a mode and the number of entries,
        or an error; None if this is another line, or no process is named.
    """
    found = _TAKE_UP.fullmatch(line)
    process = found and _PROCESS.search(found[1])
    if not found or not process:
        return None
    return {
        'process': int(process[1]),
        'logged_at': _moment(found[1]),
        'digest': found[2],
        'mode': found[3],
        'entries': found[4] and int(found[4]),
        'error': _plain(found[5]),
    }


def _moment(text: str) -> str:
    """The day and the time of a line in a log; empty if it has none."""
    clock = _CLOCK.search(text)
    return f'{day_of(text)} {clock[0]}' if clock else ''


def chain_line(list_id: str, posting_chain: str) -> str:
    """That a list was put on a chain, as one line of a log.

    :param list_id: Its List-ID.
    :param posting_chain: The name of the chain.
    :return: The line, for `read_chain_line`.
    """
    return (
        f'{RULE}: list={_log_value(list_id)} posting_chain={_log_value(posting_chain)}'
    )


_CHAIN_LINE = re.compile(rf'({_BEFORE}){RULE}: list={_VALUE} posting_chain={_VALUE}\n?')


def read_chain_line(line: str) -> Optional[dict[str, str]]:
    """Read what `chain_line` wrote.

    :param line: A line of a log, with what Mailman puts before it.
    :return: The List-ID, the name of the chain and when that was (a day and a time;
        empty if not known); None if this is another line.
    """
    found = _CHAIN_LINE.fullmatch(line)
    if found is None:
        return None
    return {
        'list_id': _read_value(found[2]),
        'posting_chain': _read_value(found[3]),
        'logged_at': _moment(found[1]),
    }


def _peers(verdict: Verdict) -> list[str]:
    """The attested peers, the newest first, up to the one that decided it."""
    end = None if verdict.decisive is None else verdict.decisive + 1
    return [
        format_address(finding.peer)
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


def _log_value(text: str) -> str:
    # A sender chose some of these.  What is not plain becomes a JSON string,
    # in which a line break or a space cannot pass for the end of the value.
    if len(text) > MAX_LOGGED_LENGTH:
        text = text[: MAX_LOGGED_LENGTH - len(CUT)] + CUT
    if text.isascii() and text.isprintable() and ' ' not in text and '"' not in text:
        return text
    return json.dumps(text)
