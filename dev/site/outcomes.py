# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a post: the sink for outgoing mail, and the outcomes."""

from __future__ import annotations

import email
import enum
import re

from collections.abc import Collection
from email.message import Message
from typing import Any, NamedTuple


class Outcome(enum.Enum):
    """What became of a post."""

    DELIVERED = 'delivered'
    HELD = 'held'
    REJECTED = 'rejected'
    DISCARDED = 'discarded'
    SHUNTED = 'shunted'
    PENDING = 'lost or pending'


class Sent(NamedTuple):
    """One message that Mailman sent out."""

    mail_from: str
    recipients: tuple[str, ...]
    message: Message


class Sink:
    """An aiosmtpd handler that keeps every message it is given in `sent`."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take one message; aiosmtpd finds this method by its name."""
        message = email.message_from_bytes(envelope.content)
        recipients = tuple(envelope.rcpt_tos)
        self.sent.append(Sent(envelope.mail_from, recipients, message))
        return '250 OK'


def outcome_of(
    message_id: str,
    sent: Collection[Sent],
    member: str,
    held: Collection[str],
    vette_log: str,
    shunted: bytes,
) -> Outcome:
    """The outcome of the post with this Message-ID (with its brackets).

    A post counts as delivered when it was sent to `member`, and as rejected
    when a notice with the post in it was sent to anyone.  `held` are
    Message-IDs; `shunted` is the content of all the shunted files: pickles, in
    which the text of a header stands as it is.
    """
    if any(
        member in one.recipients and one.message['Message-ID'] == message_id
        for one in sent
    ):
        return Outcome.DELIVERED
    if message_id in held:
        return Outcome.HELD
    quoted = re.escape(message_id)
    if re.search(rf'\) REJECT: {quoted}$', vette_log, re.MULTILINE) and any(
        part['Message-ID'] == message_id for one in sent for part in one.message.walk()
    ):
        return Outcome.REJECTED
    if re.search(rf'\) DISCARD: {quoted};', vette_log):
        return Outcome.DISCARDED
    if message_id.encode() in shunted:
        return Outcome.SHUNTED
    return Outcome.PENDING
