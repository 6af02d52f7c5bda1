# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log says of the posts so far, by list and day.

Bounds: those of `common`, for lists, days and peers; the rest is counted as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from mailman_trustedserver.advice.common import draw_table, has_room, Sighting
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import escape
from typing import Any


__all__ = ['History', 'draw_history']

TRUSTED = 'trusted'


class History:
    """Counts the lines of `report.log_line`."""

    def __init__(self) -> None:
        self._lists: dict[str, _List] = {}

    def add(self, day: str, pairs: Mapping[str, str]) -> None:
        """Count one line.

        :param day: Its day, from `report.read_log_by_day`.
        :param pairs: Its pairs.
        """
        name = pairs.get('list', '')
        if not has_room(self._lists, name):
            name = '(others)'
        self._lists.setdefault(name, _List()).add(day, pairs)

    def describe(self) -> dict[str, Any]:
        """All that was counted, as plain values only."""
        return {
            'lists': [
                {'list': name, **one.describe()}
                for name, one in sorted(self._lists.items())
            ]
        }


class _List:
    def __init__(self) -> None:
        self._days: dict[str, Counter[str]] = {}
        self._verdicts: Counter[tuple[str, str, str, str]] = Counter()
        self._peers: dict[str, Sighting] = {}

    def add(self, day: str, pairs: Mapping[str, str]) -> None:
        verdict, reason = pairs.get('verdict', ''), pairs.get('reason', '')
        if not has_room(self._days, day):
            day = ''
        self._days.setdefault(day, Counter())[verdict] += 1
        proof = pairs.get('proof', '') or pairs.get('asked', '')
        self._verdicts[verdict, reason, proof, pairs.get('mode', '')] += 1
        if reason == Reason.UNLISTED_PEER.value:
            # They end with the one that decided it.
            peer = pairs.get('peers', '').rpartition(',')[2]
            if has_room(self._peers, peer):
                self._peers.setdefault(peer, Sighting()).add(day)

    def describe(self) -> dict[str, Any]:
        return {
            'days': [
                {
                    'day': day,
                    'trusted': counts[TRUSTED],
                    'not_trusted': sum(counts.values()) - counts[TRUSTED],
                }
                for day, counts in sorted(self._days.items())
            ],
            'verdicts': [
                {
                    'trusted': verdict == TRUSTED,
                    'reason': reason,
                    'proof': proof,
                    'mode': mode,
                    'posts': posts,
                }
                for (verdict, reason, proof, mode), posts in (
                    self._verdicts.most_common()
                )
            ],
            'unlisted_peers': [
                {
                    'address': peer,
                    'posts': seen.posts,
                    'first': seen.first,
                    'last': seen.last,
                }
                for peer, seen in sorted(
                    self._peers.items(), key=lambda item: -item[1].posts
                )
            ],
        }


def draw_history(found: dict[str, Any]) -> str:
    """What was counted, as lines of text that are safe on a terminal.

    :param found: From `History.describe`.
    """
    lines: list[str] = []
    for one in found['lists']:
        lines += ['', escape(one['list']) or '(no list)']
        lines += draw_table(
            ('trusted', 'not', 'day'),
            [(day['trusted'], day['not_trusted'], day['day']) for day in one['days']],
        )
        lines += draw_table(
            ('posts', 'verdict', 'reason', 'proof', 'mode'),
            [
                (
                    verdict['posts'],
                    'trusted' if verdict['trusted'] else 'not trusted',
                    verdict['reason'],
                    verdict['proof'],
                    verdict['mode'],
                )
                for verdict in one['verdicts']
            ],
        )
        lines += draw_table(
            ('posts', 'first', 'last', 'on no list'),
            [
                (peer['posts'], peer['first'], peer['last'], peer['address'])
                for peer in one['unlisted_peers']
            ],
        )
    return '\n'.join(lines[1:] or ['The log has no verdict.'])
