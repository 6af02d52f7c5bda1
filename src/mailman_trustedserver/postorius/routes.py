# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hops of a message, as REST describes them, for the picture of its route."""

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


__all__ = ['picture']

# Of a longer route, the middle is folded.
SHOWN_FIRST, SHOWN_LAST = 3, 9

# Up to how many seconds a time is said in a unit, and how many seconds that has.
_UNITS = (120, 1), (7200, 60), (172_800, 3600)


# What is said where a proof was to be, by the proof that was asked or the reason.
_UNPROVED = {
    'not-authenticated': gettext_lazy(
        'The proof is missing here: the outgoing server has to state that the sender '
        'authenticated.'
    ),
    'too-many-hops': gettext_lazy(
        'The proof is missing here: at most one hop may lie before the outgoing server.'
    ),
    'own-host': gettext_lazy(
        'The proof is missing here: a user has to hand the message in, and no server.'
    ),
    'microsoft-365': gettext_lazy(
        'The proof is missing here: the header has to state that a member of the '
        'organisation submitted the message to Microsoft 365.'
    ),
    'dkim': gettext_lazy(
        "The proof that is needed here is a DKIM signature of the sender's domain."
    ),
}


def picture(described):
    """What is drawn of a route, from the sender down to Mailman.

    :param described: The decision, as REST describes it.
    :return: Three lists of hops: those that are drawn first, those that are
        folded, and those that are drawn last.
    """
    hops = described['hops']
    end = described['ended_at']
    if end is not None:
        hops[end]['end'] = True
    unproved = described.get('unproved_at')
    if unproved is not None:
        hops[unproved]['unproved'] = _unproved(described)
    attested = [hop for hop in hops if hop['attested']]
    older = len(hops) - len(attested) + described['fields_not_read']
    if attested and older and described['older_change_nothing']:
        attested[-1]['boundary'] = True
    before = None
    # A route is read from where it began.
    for hop in reversed(hops):
        hop['time'] = hop['time'] and parse_datetime(hop['time'])
        if hop['time'] and before:
            hop['delay'] = _delay((hop['time'] - before).total_seconds())
        before = hop['time']
    drawn = _with_equals_folded(hops[::-1])
    if len(drawn) <= SHOWN_FIRST + SHOWN_LAST + 1:
        return [], [], drawn
    return drawn[:SHOWN_FIRST], drawn[SHOWN_FIRST:-SHOWN_LAST], drawn[-SHOWN_LAST:]


# What makes two hops equal, and what is only said of one hop.
_EQUAL = (
    *('peer', 'helo', 'by', 'protocol', 'authenticated', 'standing', 'problem'),
    *('attested', 'reinjection'),
)
_MARKS = ('end', 'unproved', 'boundary')


def _with_equals_folded(hops):
    """The hops, of which each has those that follow it and are equal to it."""
    drawn: list[dict] = []
    for hop in hops:
        marked = any(hop.get(mark) for mark in _MARKS)
        if drawn and not marked and all(drawn[-1][key] == hop[key] for key in _EQUAL):
            drawn[-1].setdefault('equal', []).append(hop)
        else:
            drawn.append(hop)
    return drawn


def _unproved(described):
    """What is said where the proof was to be."""
    for key in (*described['asked'][-1:], described['route_reason']):
        if key in _UNPROVED:
            return _UNPROVED[key]
    return _('The proof is missing here.')


def _delay(seconds):
    """How long a hop took, by the clocks of two servers."""
    duration = _duration(abs(seconds))
    if seconds < 0:
        return _('{duration} before the hop before it: the clocks differ').format(
            duration=duration
        )
    return _('{duration} later').format(duration=duration)


def _duration(seconds):
    for unit, (limit, length) in zip(
        (_('{number} s'), _('{number} min'), _('{number} h')), _UNITS
    ):
        if seconds < limit:
            return unit.format(number=int(seconds // length))
    return _('{number} days').format(number=int(seconds // 86_400))
