# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the domain of the sender signed a message for this list (RFC 6376).

`check` is stricter than the standard.  A signature here does not vouch for a
domain, it lets a post bypass moderation.  So whoever has some signed mail of
the domain must not be able to send it again, to another list, with other words
or years later.

The domain signs only if all of this holds; what does not has a `Refusal`:

- From has one address, whose domain is acceptable and is the `d=` of the
  signature, not one above or below it;
- From, Subject, Date and Message-ID are signed if they are there, and a signed
  To or Cc names the list; none of these is there twice;
- the whole body is signed (no `l=`), with rsa-sha256 or ed25519-sha256;
- the signature is at most `MAX_AGE` old when the message is received;
- one key record is there, for mail, not for tests, of a size that is sound.

Nothing here asks the network but the function `dns` that is given, which comes
last.  Nothing is raised on any bytes.  RSA is dkimpy's; Ed25519 (RFC 8463) is
PyNaCl's, without which such a signature is refused.  Both are imported when a
key is there: that takes a tenth of a second, which is no matter for a post, but
would be for every command of Mailman.

Bounds: `MAX_HEADER`, `MAX_BODY`, `MAX_SIGNATURE`, `MAX_SIGNATURES`,
`MAX_KEY_RECORD`, `MAX_RSA_BITS`.  Time is linear in the size of the message.

Not read: domains with letters beyond ASCII.  From has them as they are spoken,
and `d=` in their coded form, so that the two differ.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from collections.abc import Collection
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz
from enum import Enum
from typing import Any, Callable, Optional


__all__ = [
    'MAX_AGE',
    'MAX_BODY',
    'MAX_HEADER',
    'MAX_KEY_RECORD',
    'MAX_RSA_BITS',
    'MAX_SIGNATURE',
    'MAX_SIGNATURES',
    'MIN_RSA_BITS',
    'SLACK',
    'DnsFailure',
    'Refusal',
    'Result',
    'SeveralRecords',
    'check',
]

# In bytes.  Postfix cuts a header off at 102,400 (header_size_limit).
MAX_HEADER = 128 * 1024
# Large mail providers take messages of 25 MB at most.
MAX_BODY = 25 * 1024 * 1024
# A signature of 4,096 bits has 684 letters, which leaves room for every name
# that is usual in h=.
MAX_SIGNATURE = 2048
# Signers that change from RSA to Ed25519 write two (RFC 8463 3); each may cost
# a question to DNS.
MAX_SIGNATURES = 3
# The record of a key of 4,096 bits has some 750.
MAX_KEY_RECORD = 4096
# Shorter keys must not verify, and longer ones need not (RFC 8301 3.2).
MIN_RSA_BITS, MAX_RSA_BITS = 1024, 4096
# In seconds.  Mail servers try for up to five days (RFC 5321 4.5.4.1).
MAX_AGE = 5 * 24 * 60 * 60
# In seconds: how far the clocks of two servers may differ.
SLACK = 300

# The public exponent decides what a verification costs; in use are 3 and 65537.
_MAX_EXPONENT = 2**32

# The body is taken in pieces of this size, which fit into the cache of a CPU.
_PIECE = 16 * 1024


class Refusal(str, Enum):
    """Why no signature is taken, in the order in which it is asked."""

    # Of the message.
    TOO_LARGE = 'dkim-too-large'
    MALFORMED_HEADER = 'dkim-malformed-header'
    DUPLICATE_FIELD = 'dkim-duplicate-field'
    NOT_ONE_SENDER = 'dkim-not-one-sender'
    SENDER_DOMAIN = 'dkim-sender-domain'
    NO_SIGNATURE = 'dkim-no-signature'
    OTHER_DOMAIN = 'dkim-other-domain'
    TOO_MANY_SIGNATURES = 'dkim-too-many-signatures'
    # Of the signature.
    SIGNATURE_TOO_LARGE = 'dkim-signature-too-large'
    MALFORMED_SIGNATURE = 'dkim-malformed-signature'
    BODY_LENGTH = 'dkim-body-length'
    ALGORITHM = 'dkim-algorithm'
    NO_ED25519 = 'dkim-no-ed25519'
    FIELD_NOT_SIGNED = 'dkim-field-not-signed'
    DESTINATION_NOT_SIGNED = 'dkim-destination-not-signed'
    NO_TIME = 'dkim-no-time'
    FROM_THE_FUTURE = 'dkim-from-the-future'
    TOO_OLD = 'dkim-too-old'
    EXPIRED = 'dkim-expired'
    BODY_CHANGED = 'dkim-body-changed'
    # Of the key.  The first may be otherwise a little later.
    DNS_FAILURE = 'dkim-dns-failure'
    NO_KEY = 'dkim-no-key'
    SEVERAL_KEYS = 'dkim-several-keys'
    KEY_TOO_LARGE = 'dkim-key-too-large'
    MALFORMED_KEY = 'dkim-malformed-key'
    KEY_REVOKED = 'dkim-key-revoked'
    KEY_FOR_TESTS = 'dkim-key-for-tests'
    KEY_TYPE = 'dkim-key-type'
    KEY_HASH = 'dkim-key-hash'
    KEY_SERVICE = 'dkim-key-service'
    KEY_SUBDOMAIN = 'dkim-key-subdomain'
    KEY_SIZE = 'dkim-key-size'
    # All is right but the signature itself: the header was changed, or forged.
    BAD_SIGNATURE = 'dkim-bad-signature'


_ORDER = list(Refusal)


class DnsFailure(Exception):
    """The answer to a question did not come; it may come next time."""


class SeveralRecords(Exception):
    """There are several records of one name, and they differ."""


@dataclass(frozen=True)
class Result:
    """What came out of a check; either has a value.

    Its truth is whether a signature was found.

    :ivar domain: The domain that signed the message, in lower case.
    :ivar refusal: Why there is none.  Of several signatures of the domain, the
        one that came furthest tells.
    """

    domain: Optional[str] = None
    refusal: Optional[Refusal] = None

    def __bool__(self) -> bool:
        return self.domain is not None


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _need(condition: object, refusal: Refusal) -> None:
    if not condition:
        raise _Refused(refusal)


def check(
    message: bytes,
    dns: Callable[[bytes], Optional[bytes]],
    *,
    domains: Collection[str],
    destinations: Collection[str],
    received_at: float,
) -> Result:
    """Look for a signature of the domain of the sender.

    :param message: The message as it came, with CR LF at the end of each line.
    :param dns: A function from the absolute name of a key record, ASCII with a
        dot at its end, to its text: the bytes, or None if there is no such
        record.  It raises `DnsFailure` if the answer did not come, and
        `SeveralRecords` if there are several that differ.  It is asked at most
        `MAX_SIGNATURES` times, and only if all else is right.
    :param domains: The acceptable domains of a sender, in any case.
        `.example.org` means each domain under example.org, but not itself.
    :param destinations: The addresses of which a signed To or Cc must name one,
        in any case.
    :param received_at: When the message was received, in seconds since the epoch.
    :return: The domain, or why there is none.  Nothing is raised on any bytes.
    """
    try:
        post = _Post.read(message)
        domain = _sender_domain(post.fields, domains)
        own = _own_signatures(post.fields.get(b'dkim-signature', []), domain.encode())
    except _Refused as refused:
        return Result(refusal=refused.refusal)
    meant = post.fields_that_name(destinations)
    refusals = []
    for source, tags in own:
        try:
            signature = _Signature.read(source, tags)
            _check_coverage(signature, post, meant)
            _check_age(signature, post, received_at)
            digest = post.body_digest(signature.relaxed_body)
            _need(signature.body_digest == digest, Refusal.BODY_CHANGED)
            verifies = _find_key(signature, dns)
            hashed = _header_hash(signature, post)
            _need(verifies(hashed, signature.data), Refusal.BAD_SIGNATURE)
        except _Refused as refused:
            refusals.append(refused.refusal)
        else:
            return Result(domain)
    return Result(refusal=max(refusals, key=_ORDER.index))


# The message.

# Folding white space (RFC 6376 2.8), once the line ends are known to be right.
_FWS = b' \t\r\n'
# RFC 5322 2.2; no white space before the colon, which readers take differently.
_FIELD_NAME = re.compile(rb'[!-9;-~]+')
# A line end that is none, at which readers may or may not begin a field.
_BARE_LINE_END = re.compile(rb'\r(?!\n)|(?<!\r)\n|\0')
_BLANK = b'\r\n\r\n'

# At most one of each may be there (RFC 5322 3.6, RFC 2045 3).  If there are two,
# a verifier takes the last (RFC 6376 5.4.2), and a reader often the first.
_SINGLE = (
    *(b'from', b'sender', b'reply-to', b'to', b'cc', b'subject', b'date'),
    *(b'message-id', b'content-type', b'content-transfer-encoding'),
)


@dataclass(frozen=True)
class _Field:
    """A field as it came, without the CR LF at its end."""

    name: bytes
    value: bytes

    def canonical(self, relaxed: bool) -> bytes:
        """What of it is signed (RFC 6376 3.4.1, 3.4.2)."""
        if not relaxed:
            return self.name + b':' + self.value + b'\r\n'
        value = re.sub(rb'[ \t]+', b' ', self.value.replace(b'\r\n', b''))
        return self.name.lower() + b':' + value.strip(b' ') + b'\r\n'


@dataclass(frozen=True)
class _Post:
    """A message.

    :ivar fields: The fields of each name, in lower case, the topmost first.
    :ivar body: The body.
    """

    fields: dict[bytes, list[_Field]]
    body: bytes
    _digests: dict[bool, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, message: bytes) -> _Post:
        end = message.find(_BLANK, 0, MAX_HEADER + len(_BLANK))
        end = len(message) if end < 0 else end
        body_size = len(message) - end - len(_BLANK)
        _need(end <= MAX_HEADER and body_size <= MAX_BODY, Refusal.TOO_LARGE)
        header = message[:end]
        _need(not _BARE_LINE_END.search(header), Refusal.MALFORMED_HEADER)
        fields: dict[bytes, list[_Field]] = {}
        for text in re.split(rb'\r\n(?![ \t])', header):
            name, colon, value = text.partition(b':')
            sound = colon and _FIELD_NAME.fullmatch(name)
            _need(sound, Refusal.MALFORMED_HEADER)
            fields.setdefault(name.lower(), []).append(_Field(name, value))
        single = all(len(fields.get(name, ())) <= 1 for name in _SINGLE)
        _need(single, Refusal.DUPLICATE_FIELD)
        return cls(fields, message[end + len(_BLANK) :])

    def fields_that_name(self, destinations: Collection[str]) -> set[bytes]:
        """Which of To and Cc name one of some addresses."""
        wanted = {one.lower() for one in destinations}
        return {
            name
            for name in (b'to', b'cc')
            if wanted.intersection(_addresses(self.fields.get(name, ())))
        }

    def body_digest(self, relaxed: bool) -> bytes:
        """The hash of the body, which is taken once for each of the two forms."""
        if relaxed not in self._digests:
            hashed = _relaxed_hash if relaxed else _simple_hash
            self._digests[relaxed] = hashed(self.body)
        return self._digests[relaxed]


def _end_without_empty_lines(text: bytes) -> int:
    """Where a text ends if the empty lines at its end are taken off."""
    end = len(text)
    # Many at a time: an expression takes a second for a body of line ends.
    for step in (b'\r\n' * 4096, b'\r\n' * 64, b'\r\n'):
        while text.endswith(step, 0, end):
            end -= len(step)
    return end


def _simple_hash(body: bytes) -> bytes:
    """The hash of the body as it is, but for its end (RFC 6376 3.4.3)."""
    hashed = hashlib.sha256(memoryview(body)[: _end_without_empty_lines(body)])
    hashed.update(b'\r\n')
    return hashed.digest()


def _relaxed_hash(body: bytes) -> bytes:
    """The hash of the body with white space made one (RFC 6376 3.4.4)."""
    hashed = hashlib.sha256()
    # What the last piece ended in, if the next one decides what becomes of it.
    carried = b''
    empty, line_ends = True, 0
    for start in range(0, len(body), _PIECE):
        piece = _with_single_spaces(carried + body[start : start + _PIECE])
        if start + _PIECE < len(body):
            carried = next(filter(piece.endswith, (b' \r', b'\r', b' ')), b'')
            piece = piece[: len(piece) - len(carried)]
        end = _end_without_empty_lines(piece)
        if end:
            hashed.update(b'\r\n' * line_ends + piece[:end])
            empty, line_ends = False, 0
        line_ends += (len(piece) - end) // 2
    # An empty body stays empty here, unlike in the other form.
    hashed.update(b'' if empty else b'\r\n')
    return hashed.digest()


_TAB_TO_SPACE = bytes.maketrans(b'\t', b' ')


def _with_single_spaces(text: bytes) -> bytes:
    """A text with each run of white space made one space, and none at line ends."""
    # An expression takes seconds for 20 MB of short runs.  Replacing pairs alone
    # would go over the rest of the text again and again for one long run.
    text = text.translate(_TAB_TO_SPACE)
    if b'  ' in text:
        for count in (64, 16, 4):
            text = text.replace(b' ' * count, b' ')
        while b'  ' in text:
            text = text.replace(b'  ', b' ')
    return text.replace(b' \r\n', b'\r\n')


def _sender_domain(fields: dict[bytes, list[_Field]], domains: Collection[str]) -> str:
    """The domain of the one address in From."""
    senders = _addresses(fields.get(b'from', ()))
    _need(len(senders) == 1, Refusal.NOT_ONE_SENDER)
    domain = senders[0].rpartition('@')[2]
    _need(_DOMAIN.fullmatch(domain.encode('latin-1')), Refusal.NOT_ONE_SENDER)
    acceptable = any(
        domain.endswith(one) if one.startswith('.') else domain == one
        for one in map(str.lower, domains)
    )
    _need(acceptable, Refusal.SENDER_DOMAIN)
    return domain


# Addresses (RFC 5322 3.4), read strictly: what is not clear names nobody.

_OUTSIDE = re.compile(r'[^"(]+|"(?:[^"\\]|\\.)*"|\(', re.DOTALL)
_COMMENT = re.compile(r'[^()\\]+|\\.|[()]', re.DOTALL)
# A quoted string has become one quote.
_MAILBOX = re.compile(r'[^<>@]*<([^<>\s@]+@[^<>\s@]+)>\s*|\s*([^<>\s@]+@[^<>\s@]+)\s*')


def _addresses(fields: Collection[_Field]) -> list[str]:
    """The addresses in fields, in lower case.

    Neither a name before an address nor a comment is one, whatever it holds.  A
    field that is not clear has none.
    """
    found = []
    for one in fields:
        found += _mailboxes(_without_quotes(one.value.decode('latin-1')))
    return found


def _without_quotes(text: str) -> str:
    """A value with each comment made a space, and each quoted string a quote.

    One that is not closed ends in a bracket instead, which makes it unclear.
    """
    kept, position, depth = [], 0, 0
    while position < len(text):
        token = (_COMMENT if depth else _OUTSIDE).match(text, position)
        if token is None:
            break
        position = token.end()
        first = text[token.start()]
        if depth:
            depth += {'(': 1, ')': -1}.get(first, 0)
        elif first == '(':
            depth = 1
            kept.append(' ')
        else:
            kept.append('"' if first == '"' else token[0])
    if depth or position < len(text):
        kept.append('<')
    return ''.join(kept)


def _mailboxes(text: str) -> list[str]:
    found = []
    # A group has a name before its colon, and ends in a semicolon.
    for part in re.split('[,:;]', text):
        mailbox = _MAILBOX.fullmatch(part)
        if mailbox is not None:
            found.append((mailbox[1] or mailbox[2]).lower())
        elif set(part) & set('<>@'):
            return []
    return found


# The signature.

_ALGORITHMS = {b'rsa-sha256': b'rsa', b'ed25519-sha256': b'ed25519'}
_FORMS = {b'simple': False, b'relaxed': True}
_TAG_NAME = re.compile(rb'[A-Za-z][A-Za-z0-9_]*')
_LABELS = rb'[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
# RFC 6376 3.5 has both as the names of hosts; underscores are in use.
_DOMAIN = re.compile(rb'(?=.{1,200}\Z)%b(?:\.%b)*' % (_LABELS, _LABELS))
# Until the year 33658; what is longer is no time.
_TIME = re.compile(rb'[0-9]{1,12}')
# The value of b=, with the white space around it (RFC 6376 3.7).
_DATA = re.compile(rb'((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*')

# Signed if they are there (RFC 6376 5.4.1).
_SIGNED = (b'from', b'subject', b'date', b'message-id')


def _tags(text: bytes) -> Optional[dict[bytes, bytes]]:
    """Read a list of tags (RFC 6376 3.2); None if it is malformed."""
    tags: dict[bytes, bytes] = {}
    specs = text.split(b';')
    if not specs[-1].strip(_FWS):
        specs.pop()
    for spec in specs:
        name, equals, value = spec.partition(b'=')
        name = name.strip(_FWS)
        if not equals or not _TAG_NAME.fullmatch(name) or name in tags:
            return None
        tags[name] = value.strip(_FWS)
    return tags


def _words(text: bytes) -> list[bytes]:
    """The words of a list with colons."""
    return [word.strip(_FWS) for word in text.split(b':')]


def _base64(text: bytes, refusal: Refusal) -> bytes:
    try:
        # White space may stand anywhere (RFC 6376 2.10).
        return base64.b64decode(text.translate(None, _FWS), validate=True)
    except binascii.Error:
        raise _Refused(refusal) from None


def _own_signatures(
    fields: list[_Field], domain: bytes
) -> list[tuple[_Field, dict[bytes, bytes]]]:
    """The signatures of a domain with their tags."""
    _need(fields, Refusal.NO_SIGNATURE)
    read = [(source, _tags(source.value)) for source in fields]
    own = [
        (source, tags)
        for source, tags in read
        if tags is not None and tags.get(b'd', b'').lower() == domain
    ]
    unread = any(tags is None for _, tags in read)
    _need(own or not unread, Refusal.MALFORMED_SIGNATURE)
    _need(own, Refusal.OTHER_DOMAIN)
    _need(len(own) <= MAX_SIGNATURES, Refusal.TOO_MANY_SIGNATURES)
    return own


@dataclass(frozen=True)
class _Signature:
    """A signature that is well formed.

    :ivar source: Its field.
    :ivar key_type: What kind of key it needs, as `k=` has it.
    :ivar data: The signature itself.
    :ivar body_digest: The hash of the body.
    :ivar relaxed_header: Whether the header is signed in the relaxed form.
    :ivar relaxed_body: Whether the body is.
    :ivar signed: The names of the signed fields, in lower case.
    :ivar key_name: The name of the key record.
    :ivar subdomain: Whether it was made for somebody under the domain.
    :ivar signed_at: When it was made, in seconds since the epoch, if it says so.
    :ivar expires_at: Until when it holds, if it says so.
    """

    source: _Field
    key_type: bytes
    data: bytes
    body_digest: bytes
    relaxed_header: bool
    relaxed_body: bool
    signed: list[bytes]
    key_name: bytes
    subdomain: bool
    signed_at: Optional[int]
    expires_at: Optional[int]

    @classmethod
    def read(cls, source: _Field, tags: dict[bytes, bytes]) -> _Signature:
        """Read the tags of a signature (RFC 6376 3.5)."""
        malformed = Refusal.MALFORMED_SIGNATURE
        _need(len(source.value) <= MAX_SIGNATURE, Refusal.SIGNATURE_TOO_LARGE)
        _need(set(tags) >= {b'v', b'a', b'b', b'bh', b'd', b'h', b's'}, malformed)
        _need(tags[b'v'] == b'1', malformed)
        _need(b'dns/txt' in _words(tags.get(b'q', b'dns/txt')), malformed)
        domain, selector = tags[b'd'].lower(), tags[b's']
        key_name = selector + b'._domainkey.' + domain + b'.'
        # RFC 1035 2.3.4.
        sound = _DOMAIN.fullmatch(selector) and len(key_name) <= 254
        _need(sound, malformed)
        # Its user may be anything, its domain the signer's or one under it.
        agent = tags.get(b'i', b'@' + domain).rpartition(b'@')[2].lower()
        _need(agent == domain or agent.endswith(b'.' + domain), malformed)
        forms = tags.get(b'c', b'simple').split(b'/')
        _need(len(forms) <= 2 and _FORMS.keys() >= set(forms), malformed)
        signed = [name.lower() for name in _words(tags[b'h'])]
        _need(all(map(_FIELD_NAME.fullmatch, signed)), malformed)
        signed_at, expires_at = (_time(tags.get(name)) for name in (b't', b'x'))
        if signed_at is not None and expires_at is not None:
            _need(signed_at <= expires_at, malformed)
        _need(b'l' not in tags, Refusal.BODY_LENGTH)
        _need(tags[b'a'] in _ALGORITHMS, Refusal.ALGORITHM)
        signature = cls(
            source,
            _ALGORITHMS[tags[b'a']],
            _base64(tags[b'b'], malformed),
            _base64(tags[b'bh'], malformed),
            _FORMS[forms[0]],
            _FORMS[(*forms, b'simple')[1]],
            signed,
            key_name,
            agent != domain,
            signed_at,
            expires_at,
        )
        there = signature.key_type != b'ed25519' or _import_ed25519() is not None
        _need(there, Refusal.NO_ED25519)
        return signature


def _time(text: Optional[bytes]) -> Optional[int]:
    if text is None:
        return None
    _need(_TIME.fullmatch(text), Refusal.MALFORMED_SIGNATURE)
    return int(text)


def _check_coverage(signature: _Signature, post: _Post, meant: set[bytes]) -> None:
    """What a reader goes by is signed, and that the list was meant."""
    signed = set(signature.signed)
    # From has to be signed (RFC 6376 5.4), and it is there.
    needed = signed.issuperset(name for name in _SIGNED if name in post.fields)
    _need(needed, Refusal.FIELD_NOT_SIGNED)
    # Whoever has a message to somebody else could send it to the list.
    _need(signed & meant, Refusal.DESTINATION_NOT_SIGNED)


def _check_age(signature: _Signature, post: _Post, received_at: float) -> None:
    """It was made not long before the message was received, and holds still."""
    signed_at: Optional[float] = signature.signed_at
    if signed_at is None:
        # Microsoft 365 writes no t=.  Date is signed too.
        signed_at = _date(post.fields.get(b'date', []))
    if signed_at is None:
        raise _Refused(Refusal.NO_TIME)
    _need(signed_at <= received_at + SLACK, Refusal.FROM_THE_FUTURE)
    _need(signed_at >= received_at - MAX_AGE, Refusal.TOO_OLD)
    expires_at = signature.expires_at
    _need(expires_at is None or expires_at + SLACK >= received_at, Refusal.EXPIRED)


def _date(fields: list[_Field]) -> Optional[float]:
    """What a Date field says, in seconds since the epoch; None if it is unclear."""
    for one in fields:
        try:
            date = parsedate_tz(one.value.decode('ascii').replace('\r\n', ''))
            return None if date is None else mktime_tz(date)
        except Exception:
            # Python's reader and the calendar raise what they like.
            return None
    return None


def _header_hash(signature: _Signature, post: _Post) -> Any:
    """The hash object of what the signature signs of the header (RFC 6376 3.7)."""
    relaxed = signature.relaxed_header
    hashed = hashlib.sha256()
    left = {name: list(fields) for name, fields in post.fields.items()}
    for name in signature.signed:
        # Of several fields of a name the last comes first; one that is not
        # there is signed as being absent (RFC 6376 5.4.2).
        if left.get(name):
            hashed.update(left[name].pop().canonical(relaxed))
    source = signature.source
    value = _DATA.sub(rb'\1', source.value, count=1)
    hashed.update(_Field(source.name, value).canonical(relaxed)[: -len(b'\r\n')])
    return hashed


# The key.


# Says whether a key made a signature, from the hash object of what is signed, and
# the signature.
_Verify = Callable[[Any, bytes], bool]


def _find_key(
    signature: _Signature, dns: Callable[[bytes], Optional[bytes]]
) -> _Verify:
    """Ask for the key of a signature, and read it (RFC 6376 3.6.1)."""
    try:
        record = dns(signature.key_name)
    except DnsFailure:
        raise _Refused(Refusal.DNS_FAILURE) from None
    except SeveralRecords:
        raise _Refused(Refusal.SEVERAL_KEYS) from None
    if not record:
        raise _Refused(Refusal.NO_KEY)
    _need(len(record) <= MAX_KEY_RECORD, Refusal.KEY_TOO_LARGE)
    tags = _tags(record)
    if tags is None or b'p' not in tags:
        raise _Refused(Refusal.MALFORMED_KEY)
    # The version may be missing, but comes first if it is there.
    _need(next(iter(tags)) == b'v' or b'v' not in tags, Refusal.MALFORMED_KEY)
    _need(tags.get(b'v', b'DKIM1') == b'DKIM1', Refusal.MALFORMED_KEY)
    _need(tags[b'p'], Refusal.KEY_REVOKED)
    flags = _words(tags.get(b't', b''))
    _need(b'y' not in flags, Refusal.KEY_FOR_TESTS)
    _need(tags.get(b'k', b'rsa') == signature.key_type, Refusal.KEY_TYPE)
    _need(b'sha256' in _words(tags.get(b'h', b'sha256')), Refusal.KEY_HASH)
    services = _words(tags.get(b's', b'*'))
    _need(b'*' in services or b'email' in services, Refusal.KEY_SERVICE)
    _need(b's' not in flags or not signature.subdomain, Refusal.KEY_SUBDOMAIN)
    read = _read_rsa if signature.key_type == b'rsa' else _read_ed25519
    return read(_base64(tags[b'p'], Refusal.MALFORMED_KEY))


def _read_rsa(data: bytes) -> _Verify:
    from dkim.crypto import parse_public_key, RSASSA_PKCS1_v1_5_verify

    try:
        key = parse_public_key(data)
        modulus, exponent = key['modulus'], key['publicExponent']
    except Exception:
        # dkimpy raises what it likes on hostile input.
        raise _Refused(Refusal.MALFORMED_KEY) from None
    size = modulus.bit_length()
    _need(MIN_RSA_BITS <= size <= MAX_RSA_BITS, Refusal.KEY_SIZE)
    _need(exponent % 2 and 3 <= exponent <= _MAX_EXPONENT, Refusal.MALFORMED_KEY)

    def verifies(hashed: Any, data: bytes) -> bool:
        # A signature has the length of its key (RFC 8017 8.2.2).
        sound = len(data) == (size + 7) // 8
        return sound and bool(RSASSA_PKCS1_v1_5_verify(hashed, data, key))

    return verifies


def _import_ed25519() -> Optional[Any]:
    """What reads a key of this kind; None if PyNaCl is not installed."""
    try:
        from nacl.signing import VerifyKey
    except ImportError:
        return None
    return VerifyKey


def _read_ed25519(data: bytes) -> _Verify:
    from nacl.exceptions import CryptoError

    _need(len(data) == 32, Refusal.MALFORMED_KEY)
    key = _import_ed25519()(data)  # type: ignore[misc]

    def verifies(hashed: Any, data: bytes) -> bool:
        # The hash of the header is what is signed (RFC 8463 3).
        try:
            key.verify(hashed.digest(), data)
        except (CryptoError, ValueError):
            return False
        return True

    return verifies
