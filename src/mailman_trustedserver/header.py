# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The header of a message as a value: what a verdict is about.

Values are those of the message, folded as they came and never decoded.  Bytes
that are no ASCII stand in them as surrogates, as Python's parser puts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from mailman_trustedserver.policy import Evidence
from mailman_trustedserver.reasons import Reason
from typing import Any, Callable, Optional, TYPE_CHECKING


if TYPE_CHECKING:
    from email.message import Message


__all__ = ['Header', 'stamped_at']

# Ten addresses with names are shorter.
MAX_FROM_LENGTH = 2000

# What shows for whom a message speaks, and who submitted it.
_EVIDENCE_FIELDS = (
    'user-agent',
    'auto-submitted',
    'x-mailman-version',
    'x-originatororg',
    'x-ms-exchange-crosstenant-authas',
)

# Text without any of these fields is no message.
_MESSAGE_FIELDS = ('from', 'date', 'message-id', 'received', 'subject', 'to')


@dataclass(frozen=True)
class Header:
    """The header of one message.

    :ivar fields: Pairs of the name, in lower case, and the value of each field,
        in the order of the message.
    """

    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Read the header of a message; its body is not parsed.

        :param data: An RFC 5322 message, or its header, with CR LF or LF.
        :return: The header.
        :raises ValueError: if this is no header of a message.
        """
        # It takes as long to import as half of this package.
        from email.parser import BytesHeaderParser

        header = cls.of(BytesHeaderParser().parsebytes(data))
        if not any(name in _MESSAGE_FIELDS for name, _ in header.fields):
            raise ValueError('this is no RFC 5322 message')
        return header

    @classmethod
    def of(cls, msg: Message) -> Header:
        """Take the header of a message that has been parsed.

        :param msg: The message, with the policy `compat32`, as Mailman has it.
        :return: The header.
        """
        # Not get_all(), which wraps a value with 8-bit bytes into another type.  A
        # fold before a value is no part of it; from 3.13 on, Python takes it off.
        fields = [
            (name.lower(), str(value).lstrip('\r\n\t '))
            for name, value in msg.raw_items()
        ]
        return cls(tuple(fields))

    def values(self, name: str) -> tuple[str, ...]:
        """The values of all fields of a name, the first of the message first.

        :param name: The name, in lower case.
        """
        return tuple([value for other, value in self.fields if other == name])

    @property
    def received(self) -> tuple[str, ...]:
        """The values of the Received fields, newest first."""
        return self.values('received')

    @property
    def received_at(self) -> Optional[float]:
        """When the message was received, by the date of the newest Received field.

        In seconds since the epoch; None if there is no such date.
        """
        return stamped_at(''.join(self.received[:1]))

    @property
    def message_id(self) -> str:
        """The value of the first Message-ID field; empty if there is none."""
        return next(iter(self.values('message-id')), '').strip()

    @property
    def from_domains(self) -> tuple[str, ...]:
        """The domains of all addresses in From, in lower case.

        Empty if there is no From, if one is longer than `MAX_FROM_LENGTH`, or if
        one has anything in it that is no address (RFC 5322 3.4): mail programs
        differ in what they show of such a field.
        """
        domains: list[str] = []
        for value in self.values('from'):
            found = _domains(value)
            if not found:
                return ()
            domains += found
        return tuple(domains)

    def evidence(
        self,
        usenet: bool = False,
        senders: bool = False,
        signed: Optional[Callable[[], Optional[Reason]]] = None,
    ) -> Evidence:
        """What the header shows beside the route.

        :param usenet: Whether the message is a Usenet article, which no field says.
        :param senders: Whether From is to be read, which takes time.
        :param signed: What looks for a signature, as in `Evidence`.
        """
        # One way through the header, which may have a hundred fields.
        found: dict[str, list[str]] = {name: [] for name in _EVIDENCE_FIELDS}
        for name, value in self.fields:
            if name in found:
                found[name].append(value)
        agents, replies, versions, orgs, auth_as = map(tuple, found.values())
        return Evidence(
            user_agents=agents,
            auto_submitted=replies,
            mailman_version=bool(versions),
            usenet=usenet,
            from_domains=self.from_domains if senders else (),
            originator_orgs=orgs,
            auth_as=auth_as,
            signed=signed,
        )


def stamped_at(field: str) -> Optional[float]:
    """The date of a Received field.

    :param field: The value of the field.
    :return: Seconds since the epoch; None if it has no date that can be read.
    """
    # It takes as long to import as half of this package, and few need it.
    from email.utils import mktime_tz, parsedate_tz

    try:
        date = parsedate_tz(field.rpartition(';')[2])
        return None if date is None else mktime_tz(date)
    except Exception:
        # On some text, Python's own reader fails.
        return None


def _domains(value: str) -> list[str]:
    """The domains of the addresses of one field; none if anything is wrong."""
    if len(value) > MAX_FROM_LENGTH:
        return []
    # Few sites need it, and it takes as long to import, too.
    from email.headerregistry import HeaderRegistry

    try:
        field: Any = HeaderRegistry()('From', ' '.join(value.splitlines()))
        addresses = [] if field.defects else field.addresses
        domains = [address.domain.lower() for address in addresses]
    except Exception:
        # On some text, Python's own reader fails.
        return []
    return domains if all(domains) else []
