# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a vector is made of a message that somebody reports."""

import json
import pytest
import re

from dev.vector.__main__ import main
from dev.vector.fields import Rewriter
from dev.vector.message import make_vector, Misread, read_message
from dev.vector.replacements import Replacements
from hypothesis import given
from hypothesis import strategies as st
from ipaddress import ip_address
from mailman_trustedserver.header import Header
from mailman_trustedserver.received import MalformedReceived, parse_received
from tests.servers import SERVERS
from tests.vectors import load, REPORTED


DATE = 'Sun, 22 Nov 2026 10:00:00 +0000'

# Names of RFC 2606 and addresses for measurements, RFC 2544 and RFC 5180, none of
# which the replacements have.
SECRETS = re.compile(
    r'acme|zenith|jdoe|wile|198\.18\.|172\.20\.|2001:2:|fd12:|7F3D9|1vQwEr|pumpkin',
    re.IGNORECASE,
)

FIELDS = {
    'Postfix': (
        'from pumpkin (mail.acme.test [198.18.0.7])\n'
        '\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n'
        '\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\n'
        '\t(Client CN "mail.acme.test", Issuer "Acme CA" (not verified))\n'
        '\t(Authenticated sender: jdoe@acme.test)\n'
        '\tby mx1.zenith.test (Postfix) with ESMTPSA id 7F3D91234\n'
        f'\tfor <wile.e+x@zenith.test>; {DATE} (UTC)'
    ),
    'Postfix, IPv6': (
        'from mail.acme.test (unknown [IPv6:2001:2:0:7::25])\n'
        f'\tby MX1.ZENITH.TEST (Postfix) with ESMTP id 4Rx7F3D91z;\n\t{DATE}'
    ),
    'Exim': (
        'from mail.acme.test ([198.18.0.7]:48137 helo=[172.20.9.7] ident=jdoe)\n'
        '\tby mx1.zenith.test with esmtpsa  (TLS1.3) tls TLS_AES_128_GCM_SHA256\n'
        '\t(Exim 4.98.1)\n\t(envelope-from <jdoe@acme.test>)\n'
        f'\tid 1vQwEr-0001mF-2c\n\tfor wile@zenith.test;\n\t{DATE}'
    ),
    'Exim, no reverse DNS': (
        'from [2001:2::7] (helo=pumpkin)\n\tby mx1.zenith.test with esmtp (Exim 4.96)\n'
        f'\tid 1vQwEr-0001mF-2c; {DATE}'
    ),
    'Sendmail': (
        'from pumpkin (jdoe@mail.acme.test [198.18.0.7] (may be forged))\n'
        '\t(authenticated bits=0)\n\tby mx1.zenith.test (8.17.1.9/8.17.1.9/Debian-2)'
        f' with ESMTPSA id 7F3D9x\n\tfor <wile@zenith.test>; {DATE}'
    ),
    'Sendmail, sendmail command': (
        f'(from jdoe@localhost) by mx1.zenith.test (8.17.1/8.17.1/Submit) id 7F3D9;'
        f' {DATE}'
    ),
    'OpenSMTPD': (
        'from pumpkin (<unknown> [198.18.0.7])\n\tby mx1.zenith.test (OpenSMTPD) with'
        ' ESMTPSA id 7f3d9000 (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) auth=yes'
        f' user=jdoe\n\tfor <wile@zenith.test>;\n\t{DATE} (UTC)'
    ),
    'qmail': (
        'from unknown (HELO pumpkin) (jdoe@acme.test@198.18.0.7)\n'
        '  by mx1.zenith.test with SMTP; 22 Nov 2026 10:00:00 -0000'
    ),
    'Courier': (
        'from pumpkin (mail.acme.test [::ffff:198.18.0.7])\n'
        '  (AUTH: PLAIN jdoe, TLS: TLS1.3,256bits,ECDHE_RSA_AES_256_GCM_SHA384)\n'
        '  by mx1.zenith.test with ESMTPSA\n'
        f'  id 0000000007F3D982.000000006B037379.00003C6B; {DATE}'
    ),
    'Haraka': (
        'from mail.acme.test (mail.acme.test [198.18.0.7])\n'
        '\tby mx1.zenith.test (Haraka/3.1.6) with ESMTPSA id 7F3D9-8.1\n'
        '\tenvelope-from <jdoe@acme.test>\n\ttls TLS_AES_256_GCM_SHA384'
        f' (authenticated bits=0);\n\t{DATE}'
    ),
    'Exchange': (
        'from ACMEX01.acme.test (172.20.9.7) by\n ACMEX02.acme.test (172.20.9.8)'
        ' with Microsoft SMTP Server\n (version=TLS1_2,'
        ' cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\n 15.1.118.26'
        f' via Frontend Transport; {DATE}'
    ),
    'Exchange, mapi': (
        'from A.acme.test ([fd12:3456::7]) by A.acme.test ([fd12:3456::7%5]) with mapi'
        f' id\n 15.20.8632.030; {DATE}'
    ),
    'SMTPSVC': (
        'from pumpkin ([198.18.0.7]) by mx1.zenith.test with Microsoft'
        f' SMTPSVC(6.0.3.1); {DATE}'
    ),
    'CommuniGate': (
        'from [198.18.0.7] (account jdoe@acme.test HELO [198.18.0.7])\n  by'
        ' mx1.zenith.test (CommuniGate Pro SMTP 6.1.20) with ESMTPSA id 7\n  for'
        f' wile@zenith.test; {DATE}'
    ),
    'amavis': (
        'from mail.acme.test ([127.0.0.1])\n\tby localhost (mx1.zenith.test'
        ' [198.18.0.9]) (amavisd-new, port 10024)\n\twith ESMTP id 7F3D9eqt-1'
        f' for <wile@zenith.test>; {DATE}'
    ),
    'Google': (
        'from pumpkin (pool-198-18-0-7.acme.test. [198.18.0.7])\n        by'
        ' smtp.zenith.test with ESMTPSA id 7F3D9sm12145523f8f.52.2025.03.31\n'
        '        for <wile@zenith.test>\n        (version=TLS1_3'
        f' cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\n        {DATE} (PDT)'
    ),
    'Stalwart': (
        'from mail.acme.test (mail.acme.test [198.18.0.7] (AS16509 Acme, Inc., US))\n'
        '\tby mx1.zenith.test (Stalwart SMTP) with ESMTP id 7F3D9C80D73C;\n'
        f'\t{DATE}'
    ),
    'chasquid': (
        'from mail.acme.test ([198.18.0.7])\n\tby mx1.zenith.test (chasquid) with'
        ' ESMTPS\n\ttls TLS_AES_128_GCM_SHA256\n\t(over SMTP, TLS-1.3, envelope from'
        f' "jdoe@acme.test")\n\t; {DATE}'
    ),
    'unknown server': (
        'from mail.acme.test (mail.acme.test [198.18.0.7])\n\tby mx1.zenith.test'
        f' (Roadrunner 1.2.3.4) with ESMTP id 7F3D9; {DATE}'
    ),
    'malformed': (
        'from x by mail.acme.test (Postfix) (pumpkin [198.18.0.7])\n\tby'
        f' mx1.zenith.test (Postfix) with ESMTPSA id 7F3D9; {DATE}'
    ),
}


def message(*fields, extra=''):
    lines = ''.join(f'Received: {field}\n' for field in fields)
    text = (
        f'{lines}Subject: acme\nFrom: "J. Doe of Acme" <jdoe@acme.test>\n'
        'To: wile.e+x@zenith.test, Wile <jdoe@acme.test>\n'
        f'Message-ID: <pumpkin-1vQwEr@mail.acme.test>\nDate: {DATE}\n{extra}\n'
        'Dear jdoe, all is well at acme.\n'
    )
    return text.encode('ascii')


def rewritten(field):
    rewriter = Rewriter()
    return rewriter.rewrite(field, 'Received 1'), rewriter


def outcome(field, replacements=None):
    """What is read, with the replacement of the peer."""
    try:
        hop = parse_received(field)
    except MalformedReceived as error:
        return str(error)
    peer = hop.peer
    if peer is not None and replacements is not None:
        peer = replacements.address(peer)
    return hop.kind, hop.authenticated, hop.protocol, peer


@pytest.mark.parametrize('server', FIELDS)
def test_no_original_is_left_and_the_field_is_read_as_before(server):
    field = FIELDS[server]
    new, rewriter = rewritten(field)
    assert SECRETS.search(field)
    assert not SECRETS.search(new)
    assert outcome(new) == outcome(field, rewriter.replacements)
    assert re.findall(r'\s+', new) == re.findall(r'\s+', field)
    assert new.endswith(field[-len(DATE) :])
    assert rewritten(new)[0] == new


def test_only_what_is_malformed_on_purpose_is():
    unread = [server for server in FIELDS if isinstance(outcome(FIELDS[server]), str)]
    assert unread == ['malformed']


def test_whole_message_of_all_servers_keeps_no_original():
    data = message(*FIELDS.values(), extra='X-OriginatorOrg: acme.test\nX-Acme: 1\n')
    vector = make_vector(read_message(data))
    text = vector.data.decode('ascii')
    assert not SECRETS.search(text)
    assert text.endswith('\n\nHello.\n')
    assert make_vector(read_message(vector.data)).data == vector.data


@pytest.mark.parametrize(
    'field',
    [
        vector['field']
        for vector in [*load('collected'), *load('fields')]
        if len(vector['field']) < 5_000
    ],
    ids=lambda field: field[:40],
)
def test_every_vector_is_read_as_before(field):
    new, rewriter = rewritten(field)
    assert outcome(new) == outcome(field, rewriter.replacements)
    assert rewritten(new)[0] == new


# What the strategies call trusted becomes what must not be left.
def disguised(field):
    for old, new in (
        ('example.org', 'acme.test'),
        ('example.net', 'zenith.test'),
        ('evil.example', 'jdoe.test'),
        ('192.168.10.', '172.20.9.'),
        ('fd00::', 'fd12:3456::'),
    ):
        field = field.replace(old, new)
    return field


@given(st.one_of(*SERVERS.values()).map(lambda drawn: disguised(drawn[0])))
def test_original_is_gone_or_named_in_whatever_a_server_writes(field):
    new, rewriter = rewritten(field)
    assert outcome(new) == outcome(field, rewriter.replacements)
    assert rewritten(new)[0] == new
    named = ' '.join(sentence for _, sentence in rewriter.doubts if 'stays' in sentence)
    for word in re.findall(r'[A-Za-z0-9_.+\-\x80-\U0010ffff]+', new):
        if SECRETS.search(word):
            assert ascii(word.strip('._+-'))[1:-1] in named


def test_same_name_has_the_same_replacement_in_all_fields():
    data = message(FIELDS['Postfix'], FIELDS['Postfix, IPv6'], FIELDS['Exim'])
    header = Header.parse(make_vector(read_message(data)).data)
    first, second, third = map(parse_received, header.received)
    assert (first.by, second.by) == (third.by, third.by.upper())
    assert str(third.peer) == str(first.peer) == '192.0.2.2'
    sender = re.search(r'Authenticated sender: ([^)]*)', header.received[0])[1]
    assert header.values('from') == (sender,)
    assert header.values('to')[0].endswith(f', {sender}')
    assert header.message_id.endswith(f'{sender.partition("@")[2]}>')


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        ('a.acme.test b.acme.test acme.test', 'h1.example.org h2.example.org'
         ' example.org'),
        ('a.b.acme.test b.acme.test', 'h2.h1.example.org h1.example.org'),
        ('acme.test ACME.TEST', 'example.org EXAMPLE.ORG'),
        ('a.test b.test c.test d.test', 'example.org example.com example.net'
         ' site4.example'),
        ('mx.acme.co.uk mx.zenith.co.uk', 'h2.h1.example.org h4.h3.example.com'),
        ('localhost localhost.localdomain', 'localhost localhost.localdomain'),
        ('pc PC', 'h1 H1'),
    ],
)  # fmt: skip
def test_names_keep_their_labels_and_their_kinship(names, expected):
    replacements = Replacements()
    assert ' '.join(map(replacements.name, names.split())) == expected


@pytest.mark.parametrize(
    ('address', 'expected'),
    [
        ('198.18.0.1', '192.0.2.2'),
        ('10.1.2.3', '192.168.10.2'),
        ('172.20.0.1', '192.168.10.2'),
        ('127.0.0.1', '127.0.0.1'),
        ('127.0.1.1', '127.0.1.1'),
        ('0.0.0.0', '0.0.0.0'),  # noqa: S104
        ('169.254.7.7', '169.254.0.2'),
        ('100.64.7.7', '100.64.0.2'),
        ('224.7.7.7', '233.252.0.2'),
        ('255.255.255.255', '255.255.255.255'),
        ('::1', '::1'),
        ('2001:2::7', '2001:db8::2'),
        ('2001:2:0:0:0:0:0:7', '2001:db8:0:0:0:0:0:2'),
        ('2001:0002:0000:0000:0000:0000:0000:0007',
         '2001:0db8:0000:0000:0000:0000:0000:0002'),
        ('2001:2::A', '2001:DB8::2'),
        ('fd12:3456::7', 'fd00::2'),
        ('fe80::7', 'fe80::2'),
        ('::ffff:198.18.0.7', '::ffff:192.0.2.2'),
        ('::ffff:127.0.0.1', '::ffff:127.0.0.1'),
        ('64:ff9b::198.18.0.7', '64:ff9b::192.0.2.2'),
    ],
)  # fmt: skip
def test_address_keeps_its_nature_and_its_form(address, expected):
    assert Replacements().address_text(address) == expected


def test_mapped_address_is_that_of_the_same_host():
    replacements = Replacements()
    assert replacements.address_text('198.18.0.7') == '192.0.2.2'
    assert replacements.address_text('::ffff:198.18.0.7') == '::ffff:192.0.2.2'
    assert replacements.address_text('198.18.0.8') == '192.0.2.3'


def test_many_addresses_go_on_in_the_next_network_for_documentation():
    replacements = Replacements()
    new = [replacements.address(ip_address('198.18.0.0') + n) for n in range(700)]
    assert len(set(new)) == 700
    assert {str(address).rpartition('.')[0] for address in new} == {
        '192.0.2',
        '198.51.100',
        '203.0.113',
    }


@pytest.mark.parametrize(
    ('id', 'expected'),
    [
        ('7F3D9', '0A0A1'),
        ('1vQwEr-0001mF-2c', '0aAaAa-0000aA-0b'),
        ('20260101.AB@pc', '00000000.AB@h1'),
    ],
)
def test_id_keeps_its_shape(id, expected):
    assert Replacements().id(id) == expected


@pytest.mark.parametrize(
    ('field', 'doubt'),
    [
        ('Postfix', ('Received 1', "'pumpkin' became h1: a name without a dot")),
        ('Postfix', ('Received 1', "'Acme' became 'Gggh': free text")),
        (
            'unknown server',
            ('Received 1', "'Roadrunner' stays: is it a word of the server?"),
        ),
        (
            'unknown server',
            ('Received 1', "'1.2.3.4' stays: is it a word of the server?"),
        ),
    ],
)
def test_what_is_not_sure_is_named_with_its_field(field, doubt):
    assert doubt in make_vector(read_message(message(FIELDS[field]))).doubts


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
def test_line_ends_and_bytes_that_are_no_ascii_are_kept(newline):
    field = f'from m\udcfcx (unknown [198.18.0.7])\n\tby a.acme.test (Postfix); {DATE}'
    text = message('').decode().replace('Received: \n', f'Received: {field}\n')
    data = text.replace('\n', newline).encode('ascii', 'surrogateescape')
    vector = make_vector(read_message(data))
    assert vector.data.count(b'\n') == vector.data.count(newline.encode())
    assert b'\xe4' in vector.data
    assert b'\xfc' not in vector.data


def test_what_speaks_for_strangers_goes_on_to():
    data = message(
        FIELDS['Postfix'],
        extra='User-Agent: HyperKitty on https://lists.acme.test/\n'
        'Auto-Submitted: auto-replied\nX-Mailman-Version: 3.3.8\n'
        'X-MS-Exchange-CrossTenant-AuthAs: Internal\n',
    )
    header = Header.parse(make_vector(read_message(data)).data)
    assert header.values('user-agent') == ('HyperKitty on https://h4.example.org/',)
    assert header.values('auto-submitted') == ('auto-replied',)
    assert header.values('x-mailman-version') == ('3.3.8',)
    assert header.values('x-ms-exchange-crosstenant-authas') == ('Internal',)


def test_field_in_no_known_form_is_left_out_and_named():
    text = message(FIELDS['Postfix']).replace(f'Date: {DATE}'.encode(), b'Date: acme')
    vector = make_vector(read_message(text))
    assert b'\nDate:' not in vector.data
    assert ('Date', 'left out: it is in no form that is known') in vector.doubts


def test_file_and_line_are_written(tmp_path, capsys):
    report = tmp_path / 'My Report.eml'
    report.write_bytes(message(FIELDS['Exim'], FIELDS['malformed']))
    arguments = [str(report), '--directory', str(tmp_path / 'reported')]
    assert main([*arguments, '--server', 'Exim 4.98', '--source', 'Acme']) == 0
    output, errors = capsys.readouterr()
    line = {
        'file': 'my-report.eml',
        'server': 'Exim 4.98',
        'source': 'Acme',
        'fields': [
            {'peer': '192.0.2.2', 'auth': True, 'kind': 'smtp'},
            {'malformed': 'it has more than one "by"'},
        ],
    }
    expected = tmp_path / 'reported' / 'expected.jsonl'
    assert [json.loads(text) for text in expected.read_text().splitlines()] == [line]
    assert json.loads(output.splitlines()[-1]) == line
    assert output.startswith('wrote ')
    assert "Received 2: 'pumpkin' became" in errors
    header = Header.parse((tmp_path / 'reported' / 'my-report.eml').read_bytes())
    assert len(header.received) == 2


def test_server_and_version_are_what_the_fields_name(tmp_path, capsys):
    report = tmp_path / 'x.eml'
    report.write_bytes(message(*(FIELDS[x] for x in ('Exim', 'Postfix', 'Exchange'))))
    assert main([str(report), '--directory', str(tmp_path)]) == 2
    assert main([str(report), '--directory', str(tmp_path / 'new')]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line['server'] == 'Exim 4.98.1, Postfix, Microsoft SMTP Server'
    assert line['source'] == 'reported'


def test_nothing_is_replaced_unless_asked_for(tmp_path, capsys):
    report = tmp_path / 'x.eml'
    arguments = [str(report), '--directory', str(tmp_path / 'new')]
    for field in ('Exim', 'Haraka'):
        report.write_bytes(message(FIELDS[field]))
        assert main([*arguments, '--name', field]) == 0
    written = (tmp_path / 'new' / 'exim.eml').read_bytes()
    assert main([*arguments, '--name', 'Exim']) == 2
    assert 'is there already' in capsys.readouterr().err
    assert (tmp_path / 'new' / 'exim.eml').read_bytes() == written
    assert main([*arguments, '--name', 'Exim', '--replace']) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[0].startswith('replaced ')
    assert output[1].startswith('replaced a line of ')
    assert (tmp_path / 'new' / 'exim.eml').read_bytes() != written
    lines = (tmp_path / 'new' / 'expected.jsonl').read_text().splitlines()
    assert [json.loads(line)['file'] for line in lines] == ['exim.eml', 'haraka.eml']


def test_nothing_is_written_if_the_field_would_be_read_in_another_way(
    tmp_path, capsys, monkeypatch
):
    # As if an address had become something that is none.
    monkeypatch.setattr(Replacements, 'address_text', lambda self, text: 'nowhere')
    report = tmp_path / 'x.eml'
    report.write_bytes(message(FIELDS['Postfix']))
    with pytest.raises(Misread):
        make_vector(read_message(report.read_bytes()))
    assert main([str(report), '--directory', str(tmp_path / 'new')]) == 1
    output, errors = capsys.readouterr()
    assert not output
    assert 'Received 1 gives' in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / 'new').exists()


MBOX = b'From jdoe@acme.test Sun Nov 22 10:00:00 2026\n'


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (b'From: jdoe@acme.test\n\nHello.\n', 'it has no Received field'),
        (bytes(range(256)) * 20, 'this is no RFC 5322 message'),
        (b'\x7fELF\x02\x01\x01\n\0\0\0', 'this is no RFC 5322 message'),
        (b'', 'this is no RFC 5322 message'),
        (
            b'\n'.join([MBOX + message(FIELDS['Exim'])] * 2),
            'this is an mbox of 2 messages; take one of them',
        ),
        (None, 'No such file or directory'),
    ],
    ids=['no Received', 'binary', 'ELF', 'empty', 'mbox', 'missing'],
)
def test_what_is_no_report_is_refused_in_one_line(data, problem, tmp_path, capsys):
    report = tmp_path / 'x.eml'
    if data is not None:
        report.write_bytes(data)
    assert main([str(report), '--directory', str(tmp_path / 'new')]) == 2
    output, errors = capsys.readouterr()
    assert not output
    assert errors == f'{report}: {problem}\n'
    assert not (tmp_path / 'new').exists()


def test_mbox_of_one_message_is_read():
    data = MBOX + message(FIELDS['Exim'])
    assert len(read_message(data).received) == 1


@pytest.mark.parametrize(
    'path', sorted(REPORTED.glob('*.eml')), ids=lambda path: path.name
)
def test_vectors_that_were_reported_stay_as_they_are(path):
    data = path.read_bytes()
    assert make_vector(read_message(data)).data == data
