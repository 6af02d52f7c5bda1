# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key records, from a name server that runs in the test."""

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
import socket
import threading

from ipaddress import ip_address
from mailman_trustedserver.resolver import (
    KeyRecords,
    mail_exchangers,
    MAX_REMEMBERED,
    MAX_SECONDS,
    REMEMBERED,
)
from mailman_trustedserver.signatures import check, DnsFailure, Result, SeveralRecords
from tests.signing import DOMAIN, key_record, LIST, NOW, sign
from tests.test_signatures import compose


KEY = key_record(bits=4096)
NAME = b'one._domainkey.example.org.'


def quoted(*texts):
    return ' '.join(f'"{text.decode()}"' for text in texts)


# A name, and the TXT records that it has, each as a zone file has it; or how the
# question goes wrong.
ZONE = {
    'one': [quoted(*(KEY[i : i + 255] for i in range(0, len(KEY), 255)))],
    'short': ['"v=DKIM1; p="'],
    'empty': ['""'],
    'twice': ['"v=DKIM1; p=x"', '"v=DKIM1; p=" "x"'],
    'two': ['"v=DKIM1; p=x"', '"v=DKIM1; p=y"'],
    'other': [],
    'broken': dns.rcode.SERVFAIL,
    'refused': dns.rcode.REFUSED,
    'silent': None,
    'alias': [],
}


class NameServer(threading.Thread):
    """A name server over UDP on the loopback; it counts the questions.

    :param zone: What it has, by the first label of a name or by the whole name.
    """

    def __init__(self, zone=ZONE):
        super().__init__(daemon=True)
        self.zone = zone
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []

    def run(self):
        while True:
            data, address = self.socket.recvfrom(4096)
            if not data:
                return
            reply = self.reply(dns.message.from_wire(data))
            if reply is not None:
                self.socket.sendto(reply.to_wire(max_size=65535), address)

    def reply(self, query):
        question = query.question[0]
        self.asked.append(question.name.to_text())
        name = question.name.labels[0].decode().lower()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        found = self.zone.get(name, dns.rcode.NXDOMAIN)
        found = self.zone.get(question.name.to_text().lower(), found)
        if found is None:
            return None
        if name == 'alias':
            target = 'one._domainkey.example.org.'
            alias = dns.rrset.from_text(question.name, 60, 'IN', 'CNAME', target)
            records = dns.rrset.from_text(target, 60, 'IN', 'TXT', *ZONE['one'])
            answer.answer += [alias, records]
        elif isinstance(found, list):
            if found:
                records = dns.rrset.from_text(question.name, 60, 'IN', 'TXT', *found)
                answer.answer.append(records)
        else:
            answer.set_rcode(found)
        return answer

    def resolver(self):
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ['127.0.0.1']
        resolver.port = self.port
        return resolver

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b'', ('127.0.0.1', self.port))
        self.join()
        self.socket.close()


@pytest.fixture
def server():
    server = NameServer()
    server.start()
    yield server
    server.stop()


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def name_of(label):
    return f'{label}._domainkey.example.org.'.encode()


@pytest.mark.parametrize(
    ('label', 'record'),
    [
        ('one', KEY),
        ('ONE', KEY),
        ('alias', KEY),
        ('short', b'v=DKIM1; p='),
        ('empty', b''),
        ('twice', b'v=DKIM1; p=x'),
        ('missing', None),
        ('other', None),
    ],
)
def test_answer_is_the_record_or_that_there_is_none(server, label, record):
    assert (
        KeyRecords(make_resolver=server.resolver).for_post()(name_of(label)) == record
    )


def test_all_text_records_of_a_name_are_found(server):
    find = KeyRecords(make_resolver=server.resolver).text_records()
    assert find(name_of('two')) == {b'v=DKIM1; p=x', b'v=DKIM1; p=y'}
    assert find(name_of('missing')) == find(name_of('other')) == set()
    with pytest.raises(DnsFailure):
        find(name_of('broken'))


def test_records_that_differ_are_several(server):
    records = KeyRecords(make_resolver=server.resolver)
    for _ in range(2):
        with pytest.raises(SeveralRecords):
            records.for_post()(name_of('two'))
    # That is an answer, and not remembered as a failure.
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    'name',
    [
        *map(name_of, ['broken', 'refused', 'silent']),
        b'\xff.example.org.',
        b'a..example.org.',
        b'x' * 64 + b'.example.org.',
    ],
)
def test_anything_else_is_a_failure(server, name):
    records = KeyRecords(make_resolver=server.resolver, seconds=0.3)
    with pytest.raises(DnsFailure):
        records.for_post()(name)


def test_name_server_that_is_not_there_is_a_failure(server):
    resolver = server.resolver()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(('127.0.0.1', 0))
        resolver.port = unused.getsockname()[1]
    with pytest.raises(DnsFailure):
        KeyRecords(make_resolver=lambda: resolver, seconds=0.3).for_post()(NAME)


def test_system_without_name_servers_is_a_failure():
    def make():
        raise dns.resolver.NoResolverConfiguration

    with pytest.raises(DnsFailure):
        KeyRecords(make_resolver=make).for_post()(NAME)


def test_all_questions_of_a_post_take_the_time_of_one(server):
    records = KeyRecords(make_resolver=server.resolver, seconds=2)
    find = records.for_post()
    for label in ('silent', 'silent', 'one', 'short'):
        with pytest.raises(DnsFailure):
            find(name_of(label))
    assert set(server.asked) == {name_of('silent').decode()}
    # What was not asked is not remembered.
    assert records.for_post()(NAME) == KEY


def test_time_counts_from_the_first_question_and_for_each_post(server):
    clock = Clock()
    records = KeyRecords(clock, server.resolver)
    find = records.for_post()
    clock.now += 10 * MAX_SECONDS
    assert find(NAME) == KEY
    clock.now += MAX_SECONDS - 1
    assert find(NAME) == KEY
    clock.now += 1
    with pytest.raises(DnsFailure, match='no time is left'):
        find(NAME)
    assert records.for_post()(NAME) == KEY


def test_resolver_gets_the_time_that_is_left(server):
    clock, made = Clock(), []

    def make():
        made.append(server.resolver())
        return made[-1]

    find = KeyRecords(clock, make).for_post()
    for seconds in (0, 3):
        clock.now += seconds
        find(NAME)
    assert [(one.timeout, one.lifetime) for one in made] == [(3, 5), (2, 2)]


def test_failure_is_remembered_for_a_minute_for_its_name(server):
    clock = Clock()
    records = KeyRecords(clock, server.resolver)
    for seconds, questions in [(0, 1), (1, 1), (REMEMBERED - 2, 1), (1, 2)]:
        clock.now += seconds
        with pytest.raises(DnsFailure):
            records.for_post()(name_of('broken'))
        assert server.asked.count('broken._domainkey.example.org.') == questions
        assert records.for_post()(NAME) == KEY


def test_memory_is_bounded_and_loses_the_oldest_first():
    clock, asked = Clock(), []

    def make():
        asked.append(clock.now)
        raise OSError

    records = KeyRecords(clock, make)

    def is_asked(number):
        before = len(asked)
        with pytest.raises(DnsFailure):
            records.for_post()(b'%d.example.org.' % number)
        return len(asked) > before

    assert all(map(is_asked, range(MAX_REMEMBERED + 1)))
    assert len(records._failed) == MAX_REMEMBERED
    assert not is_asked(1)
    assert is_asked(0)
    assert is_asked(1)
    clock.now += REMEMBERED
    assert is_asked(5000)
    assert len(records._failed) == 1


def test_by_default_the_name_servers_are_those_of_the_system(server, monkeypatch):
    resolver = server.resolver()
    monkeypatch.setattr(dns.resolver, 'Resolver', lambda: resolver)
    assert KeyRecords().for_post()(NAME) == KEY


@pytest.mark.parametrize(
    ('selector', 'token'),
    [
        ('one', None),
        ('missing', 'dkim-no-key'),
        ('two', 'dkim-several-keys'),
        ('broken', 'dkim-dns-failure'),
        ('silent', 'dkim-dns-failure'),
        ('short', 'dkim-key-revoked'),
    ],
)
def test_signature_is_checked_with_a_name_server(server, selector, token):
    # Only this one is waited for; a busy machine may take long over the others.
    seconds = 0.5 if selector == 'silent' else MAX_SECONDS
    result = check(
        sign(compose(), bits=4096, s=selector),
        KeyRecords(make_resolver=server.resolver, seconds=seconds).for_post(),
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )
    assert result == (Result(refusal=token) if token else Result(DOMAIN))


# Mail exchangers.

# For a domain or host, the records of each type; or how the question goes wrong.
EXCHANGERS = {
    ('example.org.', 'MX'): ['10 mx1.example.org.', '20 mx2.example.org.'],
    ('mx1.example.org.', 'A'): ['192.0.2.1'],
    ('mx1.example.org.', 'AAAA'): ['2001:db8::1'],
    ('mx2.example.org.', 'A'): ['192.0.2.1', '192.0.2.2'],
    ('implicit.example.', 'A'): ['192.0.2.3'],
    ('null.example.', 'MX'): ['0 .'],
    ('lost.example.', 'MX'): ['10 lost.example.'],
    ('lost.example.', 'A'): dns.rcode.SERVFAIL,
    ('refused.example.', 'MX'): dns.rcode.REFUSED,
}


class OfExchangers(NameServer):
    """It has the records of `EXCHANGERS`, and no name but these."""

    def reply(self, query):
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        self.asked.append(name)
        found = EXCHANGERS.get((name, kind), [])
        if not isinstance(found, list):
            answer.set_rcode(found)
        elif found:
            records = dns.rrset.from_text(question.name, 60, 'IN', kind, *found)
            answer.answer.append(records)
        elif name not in {known for known, _ in EXCHANGERS}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def exchangers():
    server = OfExchangers()
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ('domain', 'addresses'),
    [
        ('example.org', {'192.0.2.1', '192.0.2.2', '2001:db8::1'}),
        # RFC 5321 5.1: without an MX, the domain itself; RFC 7505: none at all.
        ('implicit.example', {'192.0.2.3'}),
        ('null.example', set()),
        ('none.example', set()),
        ('lost.example', None),
        ('refused.example', None),
        ('no..name', None),
        ('x' * 300, None),
    ],
)
def test_addresses_of_the_servers_that_take_mail(exchangers, domain, addresses):
    found = mail_exchangers([domain], make_resolver=exchangers.resolver)
    if addresses is not None:
        addresses = {ip_address(one) for one in addresses}
    assert found == {domain: addresses}


def test_half_a_minute_is_given_to_all_domains_together(exchangers):
    clock = Clock()
    asked = []

    def make_resolver():
        clock.now += 4
        resolver = exchangers.resolver()
        asked.append(resolver)
        return resolver

    domains = [f'd{n}.implicit.example' for n in range(20)]
    found = mail_exchangers(domains, clock, make_resolver)
    assert found[domains[0]] == frozenset()
    assert found[domains[-1]] is None
    assert all(one.lifetime <= MAX_SECONDS for one in asked)
    assert len(exchangers.asked) < 8
