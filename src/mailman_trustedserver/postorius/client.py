# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plugin in Mailman's core says, over Mailman's REST API."""

from copy import copy
from django.utils.translation import gettext as _
from mailman_trustedserver.names import PLUGIN
from mailmanclient import HeldMessage, MailmanConnectionError
from urllib.error import HTTPError
from urllib.parse import quote, urlencode


__all__ = [
    'VERDICTS',
    'NoMessage',
    'NotFound',
    'Site',
    'TrustedServers',
    'Unavailable',
]

# Those that held messages can be chosen by.
VERDICTS = ('trusted', 'not-trusted')


class Unavailable(Exception):
    """The plugin does not answer; the text says why, and the remedy."""


class NotFound(Unavailable):
    """The plugin answers, but does not know what it was asked for."""


class NoMessage(Unavailable):
    """The plugin answers that what it was given is no message."""


class _Plugin:
    """The plugin, over a connection of mailmanclient."""

    # The name of the plugin's section, first as the manual has it; the administrator
    # may choose another.  One that was found is kept for all requests, so that a page
    # costs no call of Mailman more.
    _name = 'trustedserver'

    def __init__(self, connection):
        self._connection = connection

    def _choose(self, path, posting_chain, replace):
        data = {'posting_chain': posting_chain}
        if replace:
            data['replace'] = replace
        self._ask(path, data, 'PATCH')

    def _ask(self, path, data=None, method=None):
        name = _Plugin._name
        try:
            return self._call(f'plugins/{quote(name)}/{path}', data, method)
        except HTTPError as error:
            if error.code == 409:
                raise Unavailable(
                    _(
                        'Mailman left the list as it is: by now it is on another '
                        'posting chain, or Mailman was not stopped and started since '
                        'the plugin was installed. Open this page again; if that does '
                        'not help, ask the site administrator.'
                    )
                ) from error
            if error.code != 404:
                raise Unavailable(_no_answer(error)) from error
        # Is it the plugin that is missing, its name, or what it was asked for?
        _Plugin._name = self._find_plugin()
        if _Plugin._name != name:
            return self._ask(path, data, method)
        try:
            self._call(f'plugins/{quote(name)}')
        except HTTPError as error:
            raise Unavailable(
                _(
                    'Mailman has not loaded the plugin. The site administrator '
                    'finds the reason in the log plugins.log of Mailman; after a '
                    'change, Mailman must be stopped and started.'
                )
            ) from error
        raise NotFound(_('Mailman does not know this list or held message.'))

    def _find_plugin(self):
        """The name of its section."""
        try:
            plugins = self._call('plugins').get('entries', ())
        except HTTPError as error:
            raise Unavailable(_no_answer(error)) from error
        plugin = next((one for one in plugins if one['class'] == PLUGIN), None)
        if plugin is None:
            raise Unavailable(
                _(
                    'Mailman does not have the plugin. The site administrator '
                    'can install mailman-trustedserver where Mailman runs, add its '
                    'section to mailman.cfg, and stop and start Mailman.'
                )
            )
        if not plugin['enabled']:
            raise Unavailable(
                _(
                    'The plugin is disabled. The site administrator can write '
                    '“enabled: yes” into its section of mailman.cfg, and stop and '
                    'start Mailman.'
                )
            )
        return plugin['name']

    def _call(self, path, data=None, method=None):
        try:
            response, content = self._connection.call(path, data, method)
        except MailmanConnectionError as error:
            raise Unavailable(_no_answer(error)) from error
        return content


class Site(_Plugin):
    """What the plugin says of the site and of all its lists.

    :param client: The client of mailmanclient.
    :raises Unavailable: from each member.
    """

    def __init__(self, client):
        super().__init__(client._connection)

    @property
    def overview(self):
        """The configuration in force and who has it, as a dictionary."""
        return self._ask('overview')

    @property
    def lists(self):
        """The state of each list, as dictionaries."""
        return self._ask('lists').get('entries', [])

    @property
    def report(self):
        """What was decided in the last days, as a dictionary."""
        return self._ask('report')

    def choose(self, list_id, posting_chain, replace=''):
        """Put a list on a posting chain, as `TrustedServers.choose`.

        :param list_id: Its List-ID.
        """
        self._choose(_path_of(list_id), posting_chain, replace)


class TrustedServers(_Plugin):
    """What the plugin says of one list.

    :param mlist: The list, as mailmanclient has it.
    :raises Unavailable: from each member.
    """

    def __init__(self, mlist):
        super().__init__(mlist._connection)
        self._path = _path_of(mlist.list_id)

    @property
    def state(self):
        """The list's posting chain and the like, as a dictionary."""
        return self._ask(self._path)

    def choose(self, posting_chain, replace=''):
        """Put the list on a posting chain.

        :param posting_chain: The name of the chain.
        :param replace: The name of a chain that was chosen elsewhere, if the
            list is on one: Mailman leaves it for this call only.
        """
        self._choose(self._path, posting_chain, replace)

    @property
    def policy(self):
        """What is in force for the list, as a dictionary."""
        return self._ask(f'{self._path}/policy')

    def held(self, **query):
        """The verdicts on a page of held messages, as dictionaries.

        :param query: `count` and `page`.
        """
        answer = self._ask(f'{self._path}/held?{urlencode(query)}')
        return answer.get('entries', [])

    def held_by_verdict(self, **query):
        """The held messages that have a verdict, a page of them.

        :param query: The `verdict`, `count` and `page`.
        :return: How many there are, the messages as mailmanclient has them, and the
            verdicts as from `held`.
        """
        answer = self._ask(
            f'{self._path}/held?{urlencode({**query, "messages": True})}'
        )
        entries = answer.get('entries', [])
        messages = [
            HeldMessage(self._connection, one['message']['self_link'], one['message'])
            for one in entries
        ]
        return answer['total_size'], messages, entries

    def explanation(self, request_id):
        """The explanation of a held message, as a dictionary.

        :param request_id: The number of the held message.
        :raises NotFound: if this list has no such held message.
        """
        return self._ask(f'{self._path}/held/{request_id}/explanation')

    def explain(self, message, **entries):
        """The explanation of any message, as a dictionary.

        :param message: The message or its header, in octets.
        :param entries: What is to be taken as listed, by the key of the list.
        :raises NoMessage: if it is none.
        """
        # mailmanclient sends nothing but forms.
        self._connection = copy(self._connection)
        self._connection.request_hooks = [
            lambda params: (
                {
                    **params,
                    'data': message,
                    'headers': {**params['headers'], 'Content-Type': 'message/rfc822'},
                }
                if params['method'] == 'POST'
                else params
            )
        ]
        path = f'{self._path}/explanation'
        if entries:
            path += f'?{urlencode(entries)}'
        try:
            return self._ask(path, {'message': ''}, 'POST')
        except Unavailable as error:
            cause = error.__cause__
            if isinstance(cause, HTTPError) and cause.code == 400:
                raise NoMessage(
                    _('This is no message: give its header, or one Received field.')
                ) from cause
            raise


def _path_of(list_id):
    return f'lists/{quote(list_id, safe="")}'


def _no_answer(error):
    if isinstance(error, HTTPError):
        error = f'{error.code} {error.reason}'
    return _(
        'Mailman did not answer as expected ({error}). The site administrator can see '
        'whether Mailman and its REST runner are running.'
    ).format(error=error)
