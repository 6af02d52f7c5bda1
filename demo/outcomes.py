# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a post: read from the outgoing mail, the held queue, the vette log and the shunt queue."""

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
    """The handler of an aiosmtpd server that keeps every message it is given in `sent`."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take one message; aiosmtpd finds this method by its name."""
        message = email.message_from_bytes(envelope.content)
        self.sent.append(Sent(envelope.mail_from, tuple(envelope.rcpt_tos), message))
        return '250 OK'


def outcome_of(
    message_id: str, sent: Collection[Sent], member: str, held: Collection[str], vette_log: str, shunted: bytes
) -> Outcome:
    """The outcome of the post with this Message-ID (with its brackets).

    A post counts as delivered when it was sent to `member`, as rejected when a notice with the post in it was sent
    to anyone. `held` are Message-IDs, `shunted` the bytes of all the shunted files: pickles, in which a header's text
    stands as it is.
    """
    if any(member in one.recipients and one.message['Message-ID'] == message_id for one in sent):
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
    return Outcome.SHUNTED if message_id.encode() in shunted else Outcome.PENDING
