# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key records and mail exchangers from DNS, with little time.

A runner that waits for DNS delivers nothing, and whoever sends a message may
choose which names are asked for.  So all questions of one post take
`MAX_SECONDS` together, and a name that had no answer is not asked for again for
`REMEMBERED` seconds.  Answers are not kept: the name server does this.

The resolver is dnspython's, with the name servers of the system, as in
Mailman's own rule `dmarc-moderation`.  dkimpy's `get_txt` is not used: it takes
a name server that failed for a record that is not there.
"""

from __future__ import annotations

import time

from collections.abc import Iterable
from mailman_trustedserver.addresses import Address, parse_address
from mailman_trustedserver.signatures import DnsFailure, SeveralRecords
from typing import Any, Callable, Optional


__all__ = [
    'MAX_REMEMBERED',
    'MAX_SECONDS',
    'REMEMBERED',
    'KeyRecords',
    'mail_exchangers',
]

# For all questions of one post; Mailman gives its own question as much.
MAX_SECONDS = 5.0
# For all questions of a command that a person waits for.
_MAX_SECONDS_OF_COMMAND = 30.0
# For one name server, before the next one is asked.
_SECONDS_PER_TRY = 3.0
# For how many seconds a failure is remembered, and how many of them at most.
REMEMBERED = 60.0
MAX_REMEMBERED = 1000


def _system_resolver() -> Any:
    """A resolver with the name servers of the system."""
    # Here, because every process of Mailman would pay for it.
    import dns.resolver

    return dns.resolver.Resolver()


def _resolve(resolver: Any, name: str, kind: str, seconds: float) -> list[Any]:
    """The records of a name and kind; none if DNS says that there are none."""
    import dns.resolver

    resolver.timeout = min(_SECONDS_PER_TRY, seconds)
    resolver.lifetime = seconds
    try:
        return list(resolver.resolve(name, kind, search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []


class KeyRecords:
    """Where key records are looked up; one for a process.

    :param clock: A clock that never goes back, in seconds.
    :param make_resolver: What makes a `dns.resolver.Resolver`; by default it has
        the name servers of the system, as they are at that time.
    :param seconds: How long all questions of one post may take.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        make_resolver: Callable[[], Any] = _system_resolver,
        seconds: float = MAX_SECONDS,
    ) -> None:
        self._clock = clock
        self._make_resolver = make_resolver
        self._seconds = seconds
        # Until when a name is not asked for; the oldest comes first.
        self._failed: dict[bytes, float] = {}

    def for_post(self) -> Callable[[bytes], Optional[bytes]]:
        """The function that `signatures.check` asks, for one post.

        Its time is counted from the first question.

        :return: A function from the absolute name of a record, ASCII, to the
            bytes of the TXT record of that name; None if there is none.  It
            raises `DnsFailure` if no answer came in time, or none that says
            whether there is one, and `SeveralRecords` if there are several that
            differ (RFC 6376 3.6.2.2).
        """
        ask = self.text_records()

        def find(name: bytes) -> Optional[bytes]:
            records = ask(name)
            if len(records) > 1:
                raise SeveralRecords(f'{name!r} has {len(records)} records')
            return next(iter(records), None)

        return find

    def text_records(self) -> Callable[[bytes], set[bytes]]:
        """The same for all TXT records of a name, and for any purpose.

        :return: A function as that of `for_post`; it raises `DnsFailure` only.
        """
        deadline: Optional[float] = None

        def find(name: bytes) -> set[bytes]:
            nonlocal deadline
            if deadline is None:
                deadline = self._clock() + self._seconds
            return self._find(name, deadline)

        return find

    def _find(self, name: bytes, deadline: float) -> set[bytes]:
        now = self._clock()
        if self._failed.get(name, now) > now:
            raise DnsFailure(f'{name!r} had no answer a moment ago')
        if deadline <= now:
            raise DnsFailure(f'no time is left for {name!r}')
        try:
            return self._ask(name, deadline - now)
        except Exception as error:
            # dnspython has many errors, of which none says that there is no key.
            self._remember(name)
            raise DnsFailure(f'{name!r}: {error}') from error

    def _ask(self, name: bytes, seconds: float) -> set[bytes]:
        """The records of a name, each once."""
        answer = _resolve(self._make_resolver(), name.decode('ascii'), 'TXT', seconds)
        # A long record comes in several strings (RFC 6376 3.6.2.2).
        return {b''.join(record.strings) for record in answer}

    def _remember(self, name: bytes) -> None:
        now = self._clock()
        self._failed.pop(name, None)
        for old, until in list(self._failed.items()):
            if until > now and len(self._failed) < MAX_REMEMBERED:
                break
            del self._failed[old]
        self._failed[name] = now + REMEMBERED


def mail_exchangers(
    domains: Iterable[str],
    clock: Callable[[], float] = time.monotonic,
    make_resolver: Callable[[], Any] = _system_resolver,
) -> dict[str, Optional[frozenset[Address]]]:
    """The addresses of the servers that take mail for some domains.

    All questions take half a minute together, and each as long as those of a post.

    :param domains: The domains.
    :param clock: A clock that never goes back, in seconds.
    :param make_resolver: As for `KeyRecords`.
    :return: The addresses of each domain (RFC 5321 5.1); None if no answer came in
        time, or none that says whether there are some.
    """
    deadline = clock() + _MAX_SECONDS_OF_COMMAND

    def ask(name: str, kind: str) -> list[Any]:
        resolver = make_resolver()
        seconds = min(MAX_SECONDS, deadline - clock())
        if seconds <= 0:
            raise TimeoutError
        return _resolve(resolver, name, kind, seconds)

    def find(domain: str) -> Optional[frozenset[Address]]:
        try:
            # Without one, the domain itself is meant.
            names = [one.exchange.to_text() for one in ask(domain, 'MX')] or [domain]
            return frozenset(
                parse_address(record.address)
                for name in names
                for kind in ('A', 'AAAA')
                for record in ask(name, kind)
            )
        except Exception:
            # dnspython has many errors, for names that are none as well.
            return None

    return {domain: find(domain) for domain in domains}
