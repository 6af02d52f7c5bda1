# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may open and send what, and what hostile text may do, in tables."""

import base64
import pytest
import re
import urllib.error
import urllib.request

from dev.site.mailman import LOOPBACK
from dev.site.posts import make_post, SENDER
from email.header import Header
from tests.conftest import CHAIN, DEFAULT_CHAIN, GOOD
from tests.web.conftest import (
    chain_of,
    hold,
    list_id,
    make_lists,
    newest_of,
    PASSWORD,
    resource,
    SECTION,
    set_chain,
    TRY,
    USERS,
    wait_for_held,
)


pytestmark = pytest.mark.web

WHO = ('superuser', 'owner', 'other-owner', 'moderator', 'member', 'nobody', None)
SIGN = 'the chain of trusted servers'
CHOICE = {'posting_chain': CHAIN}
MESSAGE = {'message': make_post(GOOD).decode()}


@pytest.fixture(scope='module')
def lists(web):
    """A list and another owner's, each with the page of its held message."""
    return [(address, hold(web.site, address)) for address in make_lists(web.site)]


@pytest.fixture(scope='module')
def visitors(web):
    """Each of WHO, logged in."""
    return {name: web.visit(USERS.get(name)) for name in WHO}


def path_of(address, page=''):
    """The path of a page of a list."""
    return f'/postorius/lists/{list_id(address)}/{page}'


# The pages, whether they have something of ours, and what each of WHO gets.
PAGES = [
    ('', SIGN, (200, 200, 200, 200, 200, 200, 200), 'superuser owner moderator'),
    ('held_messages', '-why', (200, 200, 403, 200, 403, 403, 302), None),
    (
        'held_messages?verdict=trusted',
        '-filter',
        (200, 200, 403, 200, 403, 403, 302),
        None,
    ),
    ('{why}', '-route', (200, 200, 403, 200, 403, 403, 302), None),
    (TRY, 'authenticated_remote_servers', (200, 200, 403, 403, 403, 403, 302), None),
    (SECTION, 'posting_chain', (200, 200, 403, 403, 403, 403, 302), None),
]


@pytest.mark.parametrize(('page', 'ours', 'statuses', 'shown'), PAGES)
def test_page_is_opened_by_whom_its_neighbours_are(
    visitors, lists, page, ours, statuses, shown
):
    (address, why), _ = lists
    for spelled in (list_id(address), address):
        path = f'/postorius/lists/{spelled}/{page.format(why=why)}'
        found = {name: visitor.get(path) for name, visitor in visitors.items()}
        assert {name: status for name, (status, _) in found.items()} == dict(
            zip(WHO, statuses)
        )
        expected = [name for name, status in zip(WHO, statuses) if status == 200]
        told = [name for name, (_, text) in found.items() if ours in text]
        assert told == (expected if shown is None else shown.split())


# What is sent, and what each of WHO gets; 302 is where it was done, too.
POSTS = [
    (SECTION, CHOICE, (302, 302, 403, 403, 403, 403, 302)),
    (TRY, MESSAGE, (200, 200, 403, 403, 403, 403, 302)),
    # Nothing is sent to these.
    ('{why}', {}, (405,) * 7),
]


@pytest.mark.parametrize(('page', 'data', 'statuses'), POSTS)
def test_form_is_taken_from_whom_its_page_is_shown(
    site, visitors, lists, page, data, statuses
):
    (address, why), _ = lists
    path = path_of(address, page.format(why=why))
    for name, status in zip(WHO, statuses):
        set_chain(site, address, DEFAULT_CHAIN)
        found, text = visitors[name].post(path, data)
        assert (name, found) == (name, status)
        done = status in (200, 302) and name is not None
        assert ('The route is trusted.' in text) is (done and page == TRY)
        chosen = CHAIN if done and page == SECTION else DEFAULT_CHAIN
        assert chain_of(site, address) == chosen


@pytest.mark.parametrize(
    ('page', 'data'),
    [
        (SECTION, CHOICE),
        (TRY, MESSAGE),
        ('held_messages/moderate', {'msgid': '{number}', 'accept': '1'}),
        ('held_messages', {'choices': '{number}', 'discard': '1'}),
    ],
)
def test_form_without_its_token_is_taken_from_nobody(site, visitors, lists, page, data):
    (address, why), _ = lists
    set_chain(site, address, DEFAULT_CHAIN)
    number = why.split('/')[1]
    data = {key: value.replace('{number}', number) for key, value in data.items()}
    for name, visitor in visitors.items():
        status, text = visitor.post(path_of(address, page), data, token=False)
        assert (name, status) == (name, 403)
        assert 'The route is trusted.' not in text
    assert chain_of(site, address) == DEFAULT_CHAIN
    assert visitors['owner'].get(path_of(address, why))[0] == 200


def test_message_of_another_list_is_shown_under_no_other(visitors, lists):
    (address, _), (_, why) = lists
    statuses = {
        name: visitor.get(path_of(address, why))[0]
        for name, visitor in visitors.items()
    }
    expected = (404, 404, 403, 404, 403, 403, 302)
    assert statuses == dict(zip(WHO, expected))


# The REST API has one user, and none of those of Postorius.

CALLS = [
    ('GET', '/3.1/plugins/trustedserver'),
    ('GET', '/3.1/plugins/trustedserver/lists'),
    ('GET', '/3.1/plugins/trustedserver/overview'),
    ('GET', '/3.1/plugins/trustedserver/report'),
    ('GET', '{list}'),
    ('PATCH', '{list}'),
    ('PUT', '{list}'),
    ('GET', '{list}/policy'),
    ('GET', '{list}/held'),
    ('GET', '{list}/held/{number}/explanation'),
    ('POST', '{list}/explanation'),
]


def status_of_call(site, method, path, name):
    """The status of a call with the password that a user has in Postorius."""
    credentials = base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()
    request = urllib.request.Request(
        f'http://{LOOPBACK}:{site.rest_port}{path}',
        None if method == 'GET' else f'posting_chain={CHAIN}'.encode(),
        {'Authorization': f'Basic {credentials}'} if name else {},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as raised:
        opener.open(request)
    raised.value.close()
    return raised.value.code


@pytest.mark.parametrize(('method', 'path'), CALLS)
def test_password_of_postorius_opens_no_call_of_rest(site, lists, method, path):
    (address, why), _ = lists
    set_chain(site, address, DEFAULT_CHAIN)
    path = path.format(list=resource(address), number=why.split('/')[1])
    # Mailman 3.3.8 fails on Falcon 4 here, before it asks any resource.
    own = status_of_call(site, 'GET', '/3.1/system/versions', None)
    assert own in (401, 500)
    for name in WHO:
        assert (name, status_of_call(site, method, path, name)) == (name, own)
    assert chain_of(site, address) == DEFAULT_CHAIN


# What a message says, in each place where it is shown.

SCRIPT = '<script>alert(1)</script>'
# What Mailman lets an address be.
ADDRESS = "'&amp{{settings.secret_key}}{x}%s"
# Texts that a sender may choose, and how they are shown.
HOSTILE = {
    ADDRESS: '&#x27;&amp;amp{{settings.secret_key}}{x}%s',
    SCRIPT: '&lt;script&gt;alert(1)&lt;/script&gt;',
    '"onload="alert(1)': '&quot;onload=&quot;alert(1)',
    "'><img/src='x'>": '&#x27;&gt;&lt;img/src=&#x27;x&#x27;&gt;',
    '{{settings.SECRET_KEY}}{x}%(x)s': '{{settings.SECRET_KEY}}{x}%(x)s',
    'trusted_remote_servers:0.0.0.0/0': 'trusted_remote_servers:0.0.0.0/0',
    '\udcc3\udcbcbung.\u4f8b\u3048': '\xfcbung.\u4f8b\u3048',
    '\u202egro\u2066.elpmaxe': '\\u202egro\\u2066.elpmaxe',
    '\udcff\udc80': '\\udcff\\udc80',
    '\x1b[2J': '\\x1b[2J',
}
# The places in a post.  Mailman holds none with more than ASCII in its Message-ID, and
# shows none in a Subject or From but in an encoded word (RFC 2047), which has
# characters only.
PLACES = ('helo', 'subject', 'message_id', 'sender', 'unreadable')
SURROGATES = {chr(code) for code in range(0xDC80, 0xDD00)}
CASES = [
    (place, text)
    for text in HOSTILE
    for place in PLACES
    if place in ('helo', 'unreadable')
    or text.isascii()
    or (place != 'message_id' and not SURROGATES.intersection(text))
]
COPIED = re.compile('<textarea[^>]* readonly[^>]*>([^<]*)</textarea>')
OURS = re.compile('<a class="mailman-trustedserver-why.*?</a>', re.DOTALL)


def encoded(text):
    """Text in a header, as an encoded word if it must be."""
    return text if text.isascii() else Header(text).encode()


def hostile_post(address, place, text):
    """A post that has a text in a place: a server that lets anything by wrote it."""
    helo = text if place == 'helo' else 'x.example.com'
    end = f' {text}' if place == 'unreadable' else ''
    field = (
        f'from {helo} (unknown [203.0.113.66])\n'
        '\tby lists.example.org (Haraka/3.0.3) with ESMTP id 4F12-1.1\n'
        '\tenvelope-from <a@example.com>;\n'
        f'\tTue, 1 Sep 2026 10:00:00 +0000{end}'
    )
    headers = {}
    if place == 'subject':
        headers['subject'] = encoded(text)
    elif place == 'sender':
        quoted = '"' + re.sub(r'(["\\])', r'\\\1', text) + '"'
        local = text if text == ADDRESS else quoted
        headers['sender'] = encoded(f'{local}@example.org, {SENDER}')
    elif place == 'message_id':
        headers['message_id'] = f'<{text}@example.org>'
    return make_post([field], to=address, **headers)


@pytest.fixture(scope='module')
def hostile(web):
    """A list, and the page of each of CASES that it holds."""
    address, _ = make_lists(web.site)
    pages = {}
    for case in CASES:
        web.site.post(address, hostile_post(address, *case), SENDER)
        wait_for_held(web.site, address, len(pages) + 1)
        pages[case] = newest_of(web.site, address)
    return address, pages


def assert_safe(page):
    """Nothing of a text is markup, and nothing turns or moves what is shown."""
    assert SCRIPT not in page
    assert '<img/src' not in page
    assert '"onload=' not in page
    assert not {'\u202e', '\u2066', '\x1b'}.intersection(page)


@pytest.mark.parametrize(('place', 'text'), CASES, ids=ascii)
def test_text_of_a_message_is_shown_as_text(web, visitors, hostile, place, text):
    address, pages = hostile
    path = path_of(address, pages[place, text])
    for name in ('moderator', 'superuser'):
        status, page = visitors[name].get(path)
        assert status == 200
        # Any other address is none for Mailman, which takes the next one.
        none = place == 'sender' and text != ADDRESS
        assert (SENDER if none else HOSTILE[text]) in page
        assert_safe(page)
        # What is meant to be copied has addresses only.
        told = [copied.split() for copied in COPIED.findall(page)]
        expected = [address, '203.0.113.66', web.url + path]
        stranger = name == 'moderator' and place != 'unreadable'
        assert told == ([expected] if stranger else [])


@pytest.mark.parametrize('query', ['', '&verdict=not-trusted'])
def test_verdicts_in_the_list_are_shown_as_text(visitors, hostile, query):
    address, pages = hostile
    status, page = visitors['moderator'].get(
        path_of(address, f'held_messages?count={len(pages)}{query}')
    )
    assert status == 200
    assert SCRIPT not in page
    ours = OURS.findall(page)
    assert len(ours) == len(CASES)
    for one in ours:
        assert_safe(one)
    assert sum(HOSTILE[SCRIPT] in one for one in ours) == 1


@pytest.mark.parametrize(
    ('place', 'text'), [one for one in CASES if one[1].isascii()], ids=ascii
)
def test_text_of_a_message_that_is_tried_is_shown_as_text(visitors, lists, place, text):
    (address, _), _ = lists
    data = {'message': hostile_post(address, place, text).decode()}
    status, page = visitors['owner'].post(path_of(address, TRY), data)
    assert status == 200
    # A quote in a quoted local part has a backslash before it.
    assert HOSTILE[text] in page.replace('\\', '') or '\x1b' in text
    # What was pasted is in the form as it was.
    assert_safe(page.replace('\x1b', ''))


@pytest.mark.parametrize('text', [one for one in HOSTILE if one.isascii()], ids=ascii)
def test_server_that_is_tried_is_shown_as_text(visitors, lists, text):
    (address, _), _ = lists
    data = {**MESSAGE, 'trusted_local_servers': text}
    status, page = visitors['owner'].post(path_of(address, TRY), data)
    assert status == 200
    assert 'alert-danger' in page
    assert_safe(page.replace('\x1b', ''))
