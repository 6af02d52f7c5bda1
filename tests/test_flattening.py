# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a message Mailman keeps, and which signatures survive it."""

import email
import pickle
import pytest
import re

from email.errors import StartBoundaryNotFoundDefect
from hypothesis import assume, given
from hypothesis import strategies as st
from mailman_trustedserver.flattening import as_received
from mailman_trustedserver.signatures import check
from tests.signing import DOMAIN, key_record, LIST, NOW, sign


pytestmark = pytest.mark.mailman

TOP = (
    'From: Anne Person <anne@example.org>\n'
    f'To: {LIST}\n'
    'Date: Wed, 25 Nov 2026 10:00:00 +0000\n'
    'Message-ID: <1@example.org>\n'
)
SUBJECT = 'Subject: Lunch\n'
TEXT = 'Content-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n'
MIXED = 'Content-Type: multipart/mixed; boundary="bb"\n'
INNER = 'Content-Type: multipart/alternative; boundary=ii\n\n'
PART = 'Content-Type: text/plain\n\nWords.\n'
REPORT = (
    'Content-Type: message/delivery-status\n\n'
    'Reporting-MTA: dns; example.net\n\nAction: failed\nStatus: 5.1.1\n'
)


def plain(fields='', body='Hello,\n\nlunch is ready.\n'):
    return TOP + SUBJECT + fields + '\n' + body


def mixed(*parts, preamble='', epilogue=''):
    body = ''.join(f'--bb\n{part}' for part in parts)
    return plain(MIXED, f'{preamble}{body}--bb--\n{epilogue}')


KINDS = {
    'plain': plain(),
    'empty body': plain(body=''),
    'body of one line': plain(body='x\n'),
    'body of empty lines': plain(body='\n\n\n'),
    'empty lines at the end': plain(body='x\n\n\n\n'),
    'empty lines first': plain(body='\n\nx\n'),
    'blanks at line ends': plain(body='one \ntwo\t \n \nthree  \n  \n'),
    'blanks and tabs': plain(body='a  b\tc \t d\n'),
    'long lines': plain(body=('word ' * 500 + '\n') * 3),
    'lines that begin with From': plain(body='From here\n>From there\nFrom: x\n'),
    'lines that begin with a dot': plain(body='.\n..\n.x\n'),
    'bare CR in the body': plain(body='one\rtwo\n'),
    'NUL in the body': plain(body='one\0two\n'),
    'folded fields': plain('X-List: one,\n two,\n\tthree\n'),
    'folded To': TOP.replace(LIST, f'a@example.net,\n b@example.net,\n {LIST}')
    + SUBJECT
    + '\nx\n',
    'fields folded far': plain(
        'References: <1@example.org>' + '\n <1@example.org>' * 40 + '\n'
    ),
    'long field without a fold': plain('References: ' + '<1@example.org> ' * 40 + '\n'),
    'long word': plain('X-Word: ' + 'x' * 900 + '\n'),
    'blanks in a field': TOP + 'Subject: two  blanks \ta tab\n\nx\n',
    'blanks at the end of a field': TOP + 'Subject: Lunch  \n\nx\n',
    'fold of blanks': TOP + 'Subject: Lunch\n \n\nx\n',
    'empty Subject': TOP + 'Subject: \n\nx\n',
    'no Subject': TOP + '\nx\n',
    'names in capitals': TOP.upper().replace(LIST.upper(), LIST) + SUBJECT + '\nx\n',
    'encoded Subject': TOP + 'Subject: =?utf-8?b?w6k=?=\n =?utf-8?q?=C3=A9?=\n\nx\n',
    'UTF-8 Subject': TOP + 'Subject: L\xc3\xbcnch\n\nx\n',
    '8-bit Subject': TOP + 'Subject: L\xfcnch\n\nx\n',
    'UTF-8 name': TOP.replace('Anne', 'Ann\xc3\xa9') + SUBJECT + '\nx\n',
    'UTF-8': plain(TEXT % ('utf-8', '8bit'), 'L\xc3\xbcnch\n'),
    'Latin-1': plain(TEXT % ('iso-8859-1', '8bit'), 'L\xfcnch\n'),
    '8-bit without a charset': plain('', 'L\xfcnch\n'),
    '8-bit as ASCII': plain(TEXT % ('us-ascii', '7bit'), 'L\xc3\xbcnch\n'),
    'unknown charset': plain(TEXT % ('none', '8bit'), 'L\xfcnch\n'),
    'binary': plain(TEXT % ('utf-8', 'binary'), '\xff\xfe\x01\n'),
    'quoted-printable': plain(
        TEXT % ('utf-8', 'quoted-printable'), 'L=C3=BCnch =\nis=20\n=\n'
    ),
    'base64': plain(TEXT % ('utf-8', 'base64'), 'TMO8bmNo\n\nTMO8bmNo\n'),
    'flowed': plain('Content-Type: text/plain; format=flowed\n', 'one \ntwo \n-- \n'),
    'parameters folded': plain('Content-Type: text/plain;\n\tcharset="utf-8"\n'),
    'HTML': plain('Content-Type: text/html\n', '<p>Hello,  <b>you</b>\n'),
    'multipart': mixed(PART, PART),
    'one part': mixed(PART),
    'preamble and epilogue': mixed(PART, preamble='For old\n', epilogue='\nThe end\n'),
    'empty line before the parts': mixed(PART, preamble='\n'),
    'part that ends in empty lines': mixed(PART + '\n\n', PART),
    'part without a header': mixed('\nWords.\n', PART),
    'part of one empty line': mixed('Content-Type: text/plain\n\n\n', PART),
    'multipart with 8-bit parts': mixed(
        TEXT % ('utf-8', '8bit') + '\nL\xc3\xbcnch\n',
        TEXT % ('iso-8859-1', '8bit') + '\nL\xfcnch\n',
    ),
    'multipart with an attachment': mixed(
        PART,
        'Content-Type: application/pdf;\n name="=?utf-8?q?=C3=A9=2Epdf?="\n'
        "Content-Disposition: attachment;\n filename*=utf-8''%C3%A9.pdf\n"
        'Content-Transfer-Encoding: base64\n\nJVBERg==\n',
    ),
    'nested multipart': mixed(f'{INNER}--ii\n{PART}--ii\n{PART}--ii--\n\n', PART),
    'nested multipart, as Gmail writes it': mixed(
        f'{INNER}--ii\n{PART}--ii\n{PART}--ii--\n', PART
    ),
    'nested multipart with an epilogue': mixed(f'{INNER}--ii\n{PART}--ii--\nThe end\n'),
    'nested multipart that is last': mixed(PART, f'{INNER}--ii\n{PART}--ii--\n'),
    'nested multipart that is not closed': mixed(f'{INNER}--ii\n{PART}', PART),
    'nested multipart without a part': mixed(f'{INNER}Words.\n', PART),
    'boundary with odd letters': plain(
        'Content-Type: multipart/mixed;\n boundary="=_(b) \'+_,-./:=?"\n',
        f"--=_(b) '+_,-./:=?\n{PART}--=_(b) '+_,-./:=?--\n",
    ),
    'signed with OpenPGP': plain(
        'Content-Type: multipart/signed; micalg=pgp-sha256;\n'
        ' protocol="application/pgp-signature"; boundary=bb\n',
        'This is an OpenPGP/MIME signed message\n'
        f'--bb\n{PART}\n--bb\nContent-Type: application/pgp-signature\n\nxx\n--bb--\n',
    ),
    'message in a message': mixed(PART, f'Content-Type: message/rfc822\n\n{plain()}'),
    'multipart in a message in a message': mixed(
        f'Content-Type: message/rfc822\n\n{mixed(PART).replace("bb", "cc")}', PART
    ),
    'message that is a message': plain('Content-Type: message/rfc822\n', plain()),
    'delivery report': mixed(PART, REPORT + '\n', PART),
    'words in a delivery report': mixed(PART, REPORT + 'no field\n', PART),
    'LF in the body, else CR LF': plain(body='one\\ntwo\n').replace('\\n', '\\LF'),
    # What the parser of Python does not keep.
    'no space after a colon': TOP + 'Subject:Lunch\n\nx\n',
    'two spaces after a colon': TOP + 'Subject:  Lunch\n\nx\n',
    'fold after a colon': TOP + 'Subject:\n Lunch\n\nx\n',
    'blanks after a boundary': mixed(PART, PART).replace('--bb\n', '--bb  \n'),
    'boundary that stands twice': mixed('--bb\n' + PART, PART),
    'empty part without a line': mixed('Content-Type: text/plain\n\n', PART),
    # What Mailman changes.
    'Message-ID in brackets': plain().replace('<1@example.org>', '<[1@example.org]>'),
}
FORMS = ('simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed')
SIMPLE_HEADER = {'simple/simple', 'simple/relaxed'}
# In which forms a kind does not verify any more.
LOST = {
    'no space after a colon': SIMPLE_HEADER,
    'two spaces after a colon': SIMPLE_HEADER,
    'fold after a colon': SIMPLE_HEADER,
    'blanks after a boundary': {'simple/simple', 'relaxed/simple'},
    'boundary that stands twice': set(FORMS),
    'empty part without a line': set(FORMS),
    'Message-ID in brackets': set(FORMS),
}
H = ['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'content-type']
H += ['content-transfer-encoding', 'references', 'x-list', 'x-word']


def message_of(kind, end='\r\n'):
    """A message, in bytes, as an MTA hands it on."""
    message = re.sub('\r?\n', end, KINDS[kind]).replace('\\LF', '\n')
    return message.encode('latin-1')


def through_mailman(content):
    """What a rule gets of the bytes that came over LMTP."""
    from mailman.email.message import Message
    from mailman.utilities.email import add_message_hash

    # As in `LMTPHandler` of mailman/runners/lmtp.py, and then in the queue.
    msg = email.message_from_bytes(content, Message)
    msg.set_unixfrom('anne@example.org')
    message_id = msg['message-id']
    new_mid = re.sub(r'^<?\[(.*)\]>?', r'<\1>', message_id)
    if new_mid != message_id:
        msg.replace_header('Message-ID', new_mid)
    # With any, the runner answers 501.
    assert not msg.defects
    msg.original_size = len(content)
    add_message_hash(msg)
    msg['X-MailFrom'] = 'anne@example.org'
    return pickle.loads(pickle.dumps(msg, pickle.HIGHEST_PROTOCOL))  # noqa: S301


def verifies(message, algorithm):
    return check(
        message,
        lambda name: key_record(algorithm),
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )


@pytest.mark.parametrize('algorithm', ['rsa', 'ed25519'])
@pytest.mark.parametrize('kind', KINDS)
def test_which_signatures_survive_mailman(kind, algorithm):
    lost = set()
    for form in FORMS:
        content = sign(message_of(kind), algorithm, c=form, h=H)
        # What is not the fault of Mailman is not counted.
        assert verifies(content.replace(b'e\nt', b'e\r\nt'), algorithm)
        if not verifies(as_received(through_mailman(content)), algorithm):
            lost.add(form)
    assert lost == LOST.get(kind, set())


def test_nine_in_ten_signatures_survive_mailman():
    total = len(KINDS) * len(FORMS)
    lost = sum(map(len, LOST.values()))
    assert (total, lost) == (276, 20)
    assert lost <= total / 10


@pytest.mark.parametrize('kind', KINDS)
def test_message_is_written_as_it_came(kind):
    content = message_of(kind)
    written = as_received(through_mailman(content))
    if kind in LOST:
        assert written != content
    else:
        assert written == content.replace(b'e\nt', b'e\r\nt')


@pytest.mark.parametrize('kind', KINDS)
def test_message_with_lf_is_written_with_cr_lf(kind):
    written = as_received(through_mailman(message_of(kind, '\n')))
    assert written == as_received(through_mailman(message_of(kind)))


def test_message_is_not_changed():
    msg = through_mailman(message_of('nested multipart'))
    before = pickle.dumps(msg)
    assert as_received(msg) == as_received(msg)
    assert pickle.dumps(msg) == before


def test_only_the_fields_that_mailman_added_are_taken_off():
    content = b'X-MailFrom: x\r\nMessage-ID: <1>\r\nSubject: x\r\n\r\n'
    assert as_received(through_mailman(content)) == content
    # Mailman takes one off that came.
    came = content.replace(b'Subject', b'Message-ID-Hash: x\r\nSubject')
    assert as_received(through_mailman(came)) == content
    # A message that no LMTP runner has seen.
    assert as_received(email.message_from_bytes(content)) == content


def test_message_that_has_no_body_has_an_empty_one():
    msg = email.message.Message()
    msg['X'] = 'y'
    assert as_received(msg) == b'X: y\r\n\r\n'


LINES = [
    *['', 'x', 'x: y', '\xe9', '--bb', '--bb--', '--ii', '--ii--'],
    *[MIXED.strip(), INNER.strip()],
    *['Content-Type: message/rfc822', 'Content-Type: message/delivery-status'],
]


def words(message):
    """All words but boundaries, of which the parser makes up and drops some."""
    return [word for word in message.split() if not word.startswith(b'--')]


@given(st.sampled_from(LINES), st.lists(st.sampled_from(LINES)))
def test_no_word_of_a_message_is_lost(first, lines):
    fields = f'{first}\n' if first.startswith('Content') else ''
    content = plain(fields, '\n'.join(lines)).replace('\n', '\r\n').encode('latin-1')
    msg = email.message_from_bytes(content)
    defects = [one for part in msg.walk() for one in part.defects]
    # The parser drops what follows an end without a beginning.
    assume(not any(isinstance(one, StartBoundaryNotFoundDefect) for one in defects))
    assert words(as_received(msg)) == words(content)


@given(st.binary())
def test_any_bytes_are_written(content):
    as_received(email.message_from_bytes(content))
