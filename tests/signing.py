# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A DKIM signer that signs whatever it is told, also what nobody should.

What is signed, it takes from dkimpy, so that reader and writer do not share
their mistakes.
"""

import base64
import dkim
import functools
import hashlib
import time

from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import parse_pem_private_key, RSASSA_PKCS1_v1_5_sign
from nacl.signing import SigningKey
from tests.vectors import DATA


DOMAIN = 'example.org'
LIST = 'staff@lists.example.org'
# dkimpy compares with the clock.
NOW = int(time.time())
FIELDS = ('from', 'to', 'cc', 'subject', 'date', 'message-id', 'content-type')

_ED25519 = SigningKey(hashlib.sha256(b'a key for tests only').digest())


@functools.cache
def _private(bits):
    return parse_pem_private_key((DATA / 'dkim' / f'rsa-{bits}.pem').read_bytes())


def _der(tag, content):
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, 'big')
    length = size if len(content) < 128 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + length + content


def _integer(number):
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, 'big'))


def rsa_key(modulus, exponent=65537):
    """The value of p= for a key."""
    key = _der(0x30, _integer(modulus) + _integer(exponent))
    kind = bytes.fromhex('300d06092a864886f70d0101010500')
    return base64.b64encode(_der(0x30, kind + _der(3, b'\0' + key)))


def key_record(algorithm='rsa', bits=2048, **tags):
    """A key record; a tag that is None is left out."""
    if algorithm == 'rsa':
        key = rsa_key(_private(bits)['modulus'])
    else:
        key = base64.b64encode(bytes(_ED25519.verify_key))
    tags = {'v': 'DKIM1', 'k': algorithm, 'p': key.decode(), **tags}
    return '; '.join(
        f'{name}={value}' for name, value in tags.items() if value is not None
    ).encode()


def sign(message, algorithm='rsa', bits=2048, c='relaxed/relaxed', h=FIELDS, **tags):
    """A message with a signature on top.

    A tag that is None is left out; `body` is what is hashed, if not the body.
    """
    policy = CanonicalizationPolicy.from_c_value(c.encode())
    fields, body = dkim.rfc822_parse(message)
    body = tags.pop('body', body)
    digest = hashlib.sha256(policy.canonicalize_body(body)).digest()
    tags = {
        'v': '1',
        'a': f'{algorithm}-sha256',
        'c': c,
        'd': DOMAIN,
        's': 'one',
        't': NOW,
        'h': ' : '.join(h),
        'bh': base64.b64encode(digest).decode(),
        **tags,
        'b': tags.get('b', ''),
    }
    value = ';\r\n '.join(
        f'{name}={text}' for name, text in tags.items() if text is not None
    )
    hashed = hashlib.sha256()
    dkim.hash_headers(
        hashed,
        policy,
        policy.canonicalize_headers([(name, text) for name, text in fields]),
        [name.encode() for name in h],
        (b'DKIM-Signature', f' {value}\r\n'.encode()),
        {},
    )
    if algorithm == 'rsa':
        data = bytes(RSASSA_PKCS1_v1_5_sign(hashed, _private(bits)))
    else:
        data = _ED25519.sign(hashed.digest()).signature
    if tags['b'] == '':
        text = base64.b64encode(data).decode()
        value += '\r\n  '.join(text[i : i + 72] for i in range(0, len(text), 72))
    return f'DKIM-Signature: {value}\r\n'.encode() + message
