# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plugin adds to Mailman's REST API, below its own path.

docs/rest.md has an example of each call.  Nothing that a client sends is
answered with a 500.

Bounds: a message of at most `MAX_MESSAGE_LENGTH` octets is explained; a
request-id has at most nine digits.
"""

import falcon
import json
import re

from dataclasses import asdict
from functools import cached_property
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.rest.helpers import (
    bad_request,
    child,
    CollectionMixin,
    conflict,
    etag,
    ExtendedEncoder,
    get_request_params,
    GetterSetter,
    no_content,
    not_found,
    NotFound,
    okay,
)
from mailman.rest.post_moderation import HeldMessages
from mailman.rest.validator import (
    PatchValidator,
    ReadOnlyPATCHRequestError,
    UnknownPATCHRequestError,
    Validator,
)
from mailman_trustedserver import __version__
from mailman_trustedserver.adapter import (
    find_list,
    find_plugin,
    held_header,
    is_usenet,
    maybe_usenet,
    put_on_chain,
    settings_for,
    values_of,
)
from mailman_trustedserver.advice.candidates import read_candidates, tried
from mailman_trustedserver.advice.lint import lint
from mailman_trustedserver.decision import decide, obstacles
from mailman_trustedserver.header import Header
from mailman_trustedserver.logs import chosen_at, processes, recent
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN, MSGDATA_KEY
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import (
    describe,
    describe_briefly,
    describe_configuration,
    describe_settings,
    describe_then,
    kept_signature,
)
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import Settings
from zope.component import getUtility


__all__ = ['TrustedServerResource']

# Few mail servers take a longer message.
MAX_MESSAGE_LENGTH = 10 * 1024 * 1024

# The last page, and the most lists on one.
MAX_PAGE = 10**9

# The verdicts that held messages can be chosen by, and whether they trust.
VERDICTS = {'trusted': True, 'not-trusted': False}

# The media types of a message (RFC 2046, RFC 6532).
MESSAGE_TYPES = ('message/rfc822', 'message/global')

# The chains that can be chosen.
CHOICES = (DEFAULT_CHAIN, CHAIN)


def _chains():
    """Those that can be chosen and that this process has."""
    return [chain for chain in CHOICES if chain in config.chains]


def _warnings(configuration):
    """What loads but is seldom meant, a sentence each."""
    return [finding.text for finding in lint(configuration)]


class TrustedServerResource:
    """The state of the plugin: `/<api>/plugins/<name>`."""

    def on_get(self, request, response):
        """Answer with the version and the configuration's state."""
        plugin = find_plugin()
        configuration = plugin.configuration
        loaded = configuration is not None
        okay(
            response,
            etag(
                {
                    'version': __version__,
                    'mode': configuration.site.mode if loaded else None,
                    'digest': configuration.digest if loaded else None,
                    'configuration_error': plugin.error,
                    'warnings': _warnings(configuration) if loaded else [],
                    # `enable` asks what the running Mailman has.
                    'posting_chains': _chains(),
                }
            ),
        )

    @child('')
    def slash(self, context, segments):
        """The same with a slash at the end of the path."""
        return (NotFound(), []) if segments else self

    @child()
    def overview(self, context, segments):
        """What is in force, here and in the other processes."""
        return _Overview(), segments

    @child()
    def report(self, context, segments):
        """What was decided in the last days, by list."""
        return _Report(), segments

    @child()
    def lists(self, context, segments):
        """The mailing lists, or one of them."""
        if not segments:
            return _Lists()
        mlist = find_list(segments.pop(0))
        return (NotFound(), []) if mlist is None else (_List(mlist), segments)


class _Overview:
    def on_get(self, request, response):
        """Answer with the whole configuration, and who has it."""
        plugin = find_plugin()
        resource = {
            'version': __version__,
            'enabled': plugin.enabled,
            'configuration_error': plugin.error,
            'files': plugin.paths,
            'posting_chains': _chains(),
        }
        configuration = plugin.configuration
        if configuration is not None:
            resource.update(
                describe_configuration(configuration),
                entries=configuration.entries,
                lints=[finding.values for finding in lint(configuration)],
            )
        okay(response, etag({**resource, **processes()}))


class _Report:
    def on_get(self, request, response):
        """Answer with the counts, from the end of the log."""
        okay(response, etag(recent()))


class _ListBase(CollectionMixin):
    def _resource_as_dict(self, mlist):
        """See `CollectionMixin`."""
        values = values_of(mlist)
        found = obstacles(values, settings_for(values))
        path = f'plugins/{find_plugin().name}/lists/{mlist.list_id}'
        return {
            'list_id': mlist.list_id,
            'fqdn_listname': mlist.fqdn_listname,
            'display_name': mlist.display_name,
            'posting_chain': mlist.posting_chain,
            'default_nonmember_action': mlist.default_nonmember_action,
            'obstacles': [one.value for one in found],
            'self_link': self.api.path_to(path),
        }


class _Lists(_ListBase):
    """All mailing lists with their posting chains."""

    def _get_collection(self, request):
        """See `CollectionMixin`."""
        return sorted(
            getUtility(IListManager).mailing_lists, key=lambda mlist: mlist.list_id
        )

    def on_get(self, request, response):
        """Answer with the lists, or with a page of them."""
        if _check_page(request, response):
            okay(response, etag(self._make_collection(request)))


def _check_page(request, response):
    """Whether a request asks for all or for a page; else it is answered."""
    # Mailman's paging wants both or neither, and fails on one.
    count, page = (
        request.get_param_as_int(name, min_value=1, max_value=MAX_PAGE)
        for name in ('count', 'page')
    )
    half = (count is None) != (page is None)
    if half:
        bad_request(response, 'count and page go together: give both or none')
    return not half


def _posting_chain(value):
    if value not in CHOICES:
        raise ValueError(f'posting_chain must be {DEFAULT_CHAIN} or {CHAIN}')
    return value


def _replaced_chain(value):
    if not isinstance(value, str):
        raise ValueError('replace must be the name of a chain')
    return value


# What a list has here, and what a request may say; only the chain can be changed.
_ATTRIBUTES = {
    'list_id': GetterSetter(),
    'fqdn_listname': GetterSetter(),
    'display_name': GetterSetter(),
    'posting_chain': GetterSetter(_posting_chain),
    'posting_chain_since': GetterSetter(),
    'default_nonmember_action': GetterSetter(),
    'obstacles': GetterSetter(),
    'self_link': GetterSetter(),
    'replace': GetterSetter(_replaced_chain),
}


class _List(_ListBase):
    """One mailing list and its posting chain."""

    def __init__(self, mlist):
        self._mlist = mlist

    def on_get(self, request, response):
        """Answer with the list."""
        resource = self._resource_as_dict(self._mlist)
        since = chosen_at(resource['list_id'], resource['posting_chain'])
        okay(response, etag({**resource, 'posting_chain_since': since or None}))

    def on_put(self, request, response):
        """Choose the posting chain, which must be given."""
        self._update(
            request,
            response,
            lambda: Validator(
                posting_chain=_ATTRIBUTES['posting_chain'],
                replace=_ATTRIBUTES['replace'],
                _optional=('replace',),
            ),
        )

    def on_patch(self, request, response):
        """Choose the posting chain, if it is given."""
        self._update(request, response, lambda: PatchValidator(request, _ATTRIBUTES))

    def _update(self, request, response, make_validator):
        try:
            if not isinstance(get_request_params(request), dict):
                raise ValueError('the request must be an object')
            values = make_validator()(request)
        except UnknownPATCHRequestError as error:
            bad_request(response, f'Unknown attribute: {error.attribute}')
        except ReadOnlyPATCHRequestError as error:
            bad_request(response, f'Read-only attribute: {error.attribute}')
        except (RecursionError, ValueError) as error:
            bad_request(response, str(error))
        else:
            self._choose(response, **values)

    def _choose(self, response, posting_chain=None, replace=None):
        present = self._mlist.posting_chain
        if posting_chain is None or posting_chain == present:
            no_content(response)
        elif posting_chain not in config.chains:
            # The other runners were started with this one: the posts would be
            # shunted.
            conflict(
                response,
                f'The running Mailman does not have the chain {posting_chain}; '
                'stop and start Mailman',
            )
        elif present not in (*CHOICES, replace):
            conflict(
                response,
                f'The list is on the chain {present}; to replace that, name it: '
                f'replace={present}',
            )
        else:
            put_on_chain(self._mlist, posting_chain)
            no_content(response)

    @child()
    def policy(self, context, segments):
        """What is trusted for this list."""
        return _Policy(self._mlist), segments

    @child()
    def explanation(self, context, segments):
        """The explanation of a message that comes with the request."""
        return _PostedExplanation(self._mlist), segments

    @child()
    def held(self, context, segments):
        """The verdicts on the held messages, or the explanation of one."""
        if not segments:
            return _HeldMessages(self._mlist)
        if len(segments) != 2 or segments[1] != 'explanation':
            return NotFound(), []
        return _HeldExplanation(self._mlist, segments[0]), []


class _Policy:
    def __init__(self, mlist):
        self._mlist = mlist

    def on_get(self, request, response):
        """Answer with what is in force for this list."""
        plugin = find_plugin()
        mlist = values_of(self._mlist)
        resource = {'list_id': mlist.list_id, 'configuration_error': plugin.error}
        if plugin.configuration is not None:
            settings = plugin.configuration.for_list(mlist)
            resource['obstacles'] = [one.value for one in obstacles(mlist, settings)]
            resource.update(describe_settings(settings))
            resource['warnings'] = _warnings(Configuration(settings))
        okay(response, etag(resource))


class _Explanation:
    def __init__(self, mlist):
        self._mlist = mlist

    @cached_property
    def _in_force(self):
        mlist = values_of(self._mlist)
        return settings_for(mlist), mlist

    def _decide_held(self, message_id, usenet, find_msgdata):
        """The decision on a held message; None if its content is lost.

        DNS is not asked: what came of a DKIM signature is kept with the message.
        """
        header = held_header(message_id)
        if not header:
            return None
        decision = decide(header, *self._in_force, usenet=usenet)
        if decision.verdict.reason is Reason.DKIM_NOT_CHECKED:
            signed = kept_signature(find_msgdata().get(MSGDATA_KEY), decision)
            if signed is not None:
                decision = decide(header, *self._in_force, usenet=usenet, signed=signed)
        return decision


class _PostedExplanation(_Explanation):
    def on_post(self, request, response):
        """Answer with the explanation of the message in the body."""
        media_type = (request.content_type or '').partition(';')[0].strip().lower()
        if media_type not in MESSAGE_TYPES:
            raise falcon.HTTPUnsupportedMediaType(
                description='Send the message as Content-Type: message/rfc822'
            )
        data = request.bounded_stream.read(MAX_MESSAGE_LENGTH + 1)
        if len(data) > MAX_MESSAGE_LENGTH:
            # The class for it has another name in Falcon 4.
            raise falcon.HTTPError(
                '413 Payload Too Large',
                title='413 Payload Too Large',
                description=f'A message of at most {MAX_MESSAGE_LENGTH} octets '
                'can be explained; its header alone will do',
            )
        try:
            header = Header.parse(data)
            candidates = read_candidates(_query(request))
        except ValueError as error:
            bad_request(response, str(error))
            return
        settings, mlist = self._in_force
        if isinstance(settings, Settings):
            settings = tried(settings, candidates)
        described = describe(decide(header, settings, mlist))
        described['candidates'] = [asdict(one) for one in candidates]
        okay(response, etag(described))


def _query(request):
    """The query of a request; what is given more than once is one text."""
    return {
        name: ' '.join(value) if isinstance(value, list) else value
        for name, value in request.params.items()
    }


class _HeldMessages(CollectionMixin, _Explanation):
    """The verdicts on the messages that are held, in Mailman's order."""

    def __init__(self, mlist):
        super().__init__(mlist)
        # By number: a choice has decided on what is then shown.
        self._decided = {}
        # Mailman's own resources of the messages, if they are wanted, too.
        self._messages = None

    def _resource_as_dict(self, held):
        """See `CollectionMixin`."""
        decision = self._decision(held)
        verdict = {'trusted': None} if decision is None else describe_briefly(decision)
        resource = {
            'request_id': held.id,
            **verdict,
            'self_link': f'{self._path}/{held.id}/explanation',
        }
        if self._messages is not None:
            resource['message'] = self._messages._resource_as_dict(held)
        return resource

    @cached_property
    def _path(self):
        name = find_plugin().name
        return self.api.path_to(f'plugins/{name}/lists/{self._mlist.list_id}/held')

    def _decision(self, held):
        if held.id not in self._decided:

            def find_msgdata():
                return self._requests.get_request(held.id)[1]

            usenet = held.data_hash in self._maybe_usenet and is_usenet(find_msgdata())
            self._decided[held.id] = self._decide_held(held.key, usenet, find_msgdata)
        return self._decided[held.id]

    @cached_property
    def _maybe_usenet(self):
        return maybe_usenet()

    @property
    def _requests(self):
        return IListRequests(self._mlist)

    def _get_collection(self, request):
        """See `CollectionMixin`."""
        held = self._requests.of_type(RequestType.held_message)
        wanted = VERDICTS.get(request.get_param('verdict'))
        if wanted is None:
            return held
        decided = ((one, self._decision(one)) for one in held)
        return [
            one
            for one, decision in decided
            if decision is not None and decision.verdict.trusted is wanted
        ]

    def on_get(self, request, response):
        """Answer with the verdicts, or with a page of them."""
        if request.get_param('verdict', default='trusted') not in VERDICTS:
            bad_request(response, f'verdict must be one of {", ".join(VERDICTS)}')
        elif _check_page(request, response):
            if request.get_param_as_bool('messages', default=False):
                self._messages = HeldMessages(self._mlist)
                self._messages.api = self.api
            start, total_size, held = self._paginate(
                request, self._get_collection(request)
            )
            # Without Mailman's tags: they take as long as all the verdicts.
            collection = {
                'start': start,
                'total_size': total_size,
                'entries': [self._resource_as_dict(one) for one in held],
            }
            okay(response, json.dumps(collection, cls=ExtendedEncoder))


class _HeldExplanation(_Explanation):
    def __init__(self, mlist, request_id):
        super().__init__(mlist)
        self._request_id = request_id

    def on_get(self, request, response):
        """Answer with the explanation of the held message."""
        # A longer number would not fit into the column.
        held = None
        if re.fullmatch('[0-9]{1,9}', self._request_id):
            held = IListRequests(self._mlist).get_request(
                int(self._request_id), RequestType.held_message
            )
        if held is None:
            not_found(response, f'No such held message: {self._request_id}')
            return
        message_id, msgdata = held
        decision = self._decide_held(message_id, is_usenet(msgdata), lambda: msgdata)
        if decision is None:
            not_found(response, 'The content of the held message is lost')
        else:
            then = describe_then(msgdata.get(MSGDATA_KEY), decision)
            okay(response, etag({**describe(decision), 'then': then}))
