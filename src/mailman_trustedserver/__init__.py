# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliver the posts that came through the organisation's own mail servers.

What a program imports; the rest is for Mailman.
"""

from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.decision import decide, Decision
from mailman_trustedserver.header import Header
from mailman_trustedserver.policy import (
    evaluate,
    Evidence,
    Finding,
    Policy,
    Submission,
    Verdict,
)
from mailman_trustedserver.reasons import Actor, Reason
from mailman_trustedserver.received import (
    Hop,
    MalformedReceived,
    parse_received,
)
from mailman_trustedserver.settings import (
    parse_settings,
    Settings,
    SettingsError,
)


__all__ = [
    'Actor',
    'AddressList',
    'Decision',
    'Evidence',
    'Finding',
    'Header',
    'Hop',
    'MalformedReceived',
    'Policy',
    'Reason',
    'Settings',
    'SettingsError',
    'Submission',
    'Verdict',
    'decide',
    'evaluate',
    'parse_received',
    'parse_settings',
]
__version__ = '1.0.0'
