# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The superusers' page: the site, its processes, and all lists to be changed.

Bounds: a page has at most `MAX_PER_PAGE` lists, and `MAX_ENTRIES` entries of a list of
servers.
"""

import shlex

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_mailman3.lib.mailman import get_mailman_client
from django_mailman3.lib.paginator import paginate
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN
from mailman_trustedserver.postorius.client import Site, Unavailable
from mailman_trustedserver.postorius.verdicts import action_label, nonmember_setting
from mailman_trustedserver.report import printable
from postorius.auth.decorators import superuser_required


__all__ = ['change', 'overview', 'show_link']

SYSTEM_TEMPLATE = 'mailman_trustedserver/system_information.html'
TEMPLATE = 'mailman_trustedserver/overview.html'
CHANGE_TEMPLATE = 'mailman_trustedserver/change.html'

CHOICES = (CHAIN, DEFAULT_CHAIN)

# Django takes a form of up to a thousand fields; a list needs one or two.
PER_PAGE = 50
MAX_PER_PAGE = 200

# More of one list of servers nobody reads here.
MAX_ENTRIES = 200

# The counts of a list that the log does not name.
NONE = (0, 0)

# What of an address says where somebody is on the page.
_PLACE = ('q', 'page', 'count')


def show_link(request, context):
    """Lead from the page of the system to ours."""
    return SYSTEM_TEMPLATE


class _List:
    """What is said of one list.

    :param state: The list, as REST describes it.
    :param in_force: Whether there is a configuration, so that a post can be trusted.
    :param counts: What was decided in the last days; None if not known.
    """

    def __init__(self, state, in_force, counts=None):
        self.list_id = state['list_id']
        self.address = printable(state['fqdn_listname'])
        self.name = printable(state['display_name'])
        self.chain = state['posting_chain']
        self.action = action_label(state['default_nonmember_action'])
        self.counts = counts
        self._in_force = in_force
        self._obstacles = state['obstacles']

    def matches(self, text):
        """Whether a text that somebody looks for is in it."""
        words = (self.list_id, self.address, self.name, self.chain)
        return any(text.casefold() in word.casefold() for word in words)

    @property
    def on_chain(self):
        """Whether it is on the chain of trusted servers."""
        return self.chain == CHAIN

    @property
    def is_elsewhere(self):
        """Whether it is on a chain that was not chosen here."""
        return self.chain not in CHOICES

    @property
    def has_effect(self):
        """Whether trusted posts bypass moderation."""
        return self._in_force and not self._obstacles

    @property
    def effect(self):
        """What its chain does to its posts."""
        if not self.on_chain:
            return _('none: it is not on the chain')
        if not self._in_force:
            return _('none: no post is trusted now')
        if 'nonmember-action' in self._obstacles:
            return _('none: under this action every post is moderated')
        if 'observe' in self._obstacles:
            return _('none: the plugin only observes')
        return _('trusted posts bypass moderation')

    def change(self, chain):
        """What changes for its posts on another chain.

        :param chain: One of `CHOICES`.
        """
        if chain == self.chain:
            return _('It is there already: nothing changes.')
        if chain == DEFAULT_CHAIN:
            if self.on_chain and not self.has_effect:
                return _('Nothing changes: every post is moderated already.')
            return _('Every post will be moderated as usual.')
        if not self._in_force:
            return _('For now every post is moderated as usual: none is trusted.')
        if 'nonmember-action' in self._obstacles:
            return _(
                'Every post will be moderated as usual, as “{setting}” is “{action}”.'
            ).format(setting=nonmember_setting(), action=self.action)
        if 'observe' in self._obstacles:
            return _(
                'Every post will be moderated as usual, and verdicts are logged: the '
                'plugin only observes.'
            )
        return _(
            'Posts from trusted servers will bypass the moderation of members and '
            'nonmembers.'
        )

    @property
    def undo(self):
        """The command that puts it back on a chain that was replaced."""
        command = ('mailman', 'trustedserver', 'disable', '--to', self.chain)
        return shlex.join([*command, self.list_id])


def _lists(site, state, counts=None):
    """All lists by their List-IDs, in the order of these."""
    in_force = state['enabled'] and state['configuration_error'] is None
    every = {}
    for one in site.lists:
        list_id = one['list_id']
        count = None if counts is None else counts.get(list_id, NONE)
        every[list_id] = _List(one, in_force, count)
    return every


def _counts(report):
    """The counts of each list by its List-ID; None if the log says nothing."""
    if report['lists'] is None:
        return None
    return {
        one['list']: tuple(
            sum(day[key] for day in one['days']) for key in ('trusted', 'not_trusted')
        )
        for one in report['lists']
    }


def _shown_values(values):
    """Values of keys, of which none is too long for a page."""
    return {
        key: (
            [*value[:MAX_ENTRIES], f'… (+{len(value) - MAX_ENTRIES})']
            if isinstance(value, list) and len(value) > MAX_ENTRIES
            else value
        )
        for key, value in values.items()
    }


def _shown_section(values):
    """What a section sets itself, as in the file."""
    return {
        key: ' '.join(value)
        if isinstance(value, list)
        else {True: 'yes', False: 'no'}.get(value, value)
        for key, value in _shown_values(values).items()
    }


def _place(query):
    """Where somebody is on the page, as a query without a question mark."""
    place = QueryDict(mutable=True)
    for name in _PLACE:
        if query.get(name):
            place[name] = query[name]
    return place.urlencode()


def _number(text, default):
    return int(text) if text.isascii() and text.isdigit() else default


@require_safe
@login_required
@superuser_required
def overview(request):
    """Show the site, its processes and all lists.

    :param request: The request; `q` in its query is what the lists are searched for.
    """
    site = Site(get_mailman_client())
    text = request.GET.get('q', '').strip()
    try:
        state, report = site.overview, site.report
        every = _lists(site, state, _counts(report))
    except Unavailable as error:
        # What is wrong is what a superuser comes for.
        return render(request, TEMPLATE, {'unavailable': str(error)})
    found = [one for one in every.values() if one.matches(text)]
    count = _number(request.GET.get('count', '')[:9], PER_PAGE)
    settings = state.get('settings', {})
    context = {
        'state': state,
        'report': report,
        'late': report['first_day'] and report['first_day'] > report['wanted'],
        'policy': settings and {**_shown_values(settings), 'obstacles': ()},
        'actions': map(action_label, settings.get('nonmember_actions', ())),
        'sections': {
            name: _shown_section(values)
            for name, values in state.get('sections', {}).items()
        },
        'lists': paginate(
            found, request.GET.get('page'), max(1, min(count, MAX_PER_PAGE))
        ),
        'number': len(every),
        'text': text,
        'place': _place(request.GET),
        'chains': {'on': CHAIN, 'off': DEFAULT_CHAIN},
    }
    return render(request, TEMPLATE, context)


@require_POST
@login_required
@superuser_required
def change(request):
    """Ask whether to put lists on a chain; with `confirmed`, do it.

    :param request: The request; the form names the `chain` and each `list`.
        `replace:LIST-ID` names the chain that is replaced, if it is a third one.
    """
    place = _place(QueryDict(request.POST.get('place', '')))
    back = f'{reverse("trusted_servers_overview")}?{place}'.rstrip('?')
    chain = request.POST.get('chain')
    wanted = dict.fromkeys(request.POST.getlist('list'))
    site = Site(get_mailman_client())
    context = {'back': back, 'place': place, 'chain': chain, 'on': chain == CHAIN}
    try:
        every = _lists(site, site.overview)
    except Unavailable as error:
        context['unavailable'] = str(error)
        return render(request, CHANGE_TEMPLATE, context, status=503)
    chosen = [every[list_id] for list_id in wanted if list_id in every]
    if chain not in CHOICES or not chosen:
        messages.error(request, _('Nothing was changed: tick the lists first.'))
        return redirect(back)
    if 'confirmed' not in request.POST:
        context['lists'] = [(one, one.change(chain)) for one in chosen]
        return render(request, CHANGE_TEMPLATE, context)
    refused = _change(site, chosen, chain, request.POST)
    number = len(chosen) - len(refused)
    if number:
        messages.success(
            request,
            ngettext(
                '{number} list is on the chain now.',
                '{number} lists are on the chain now.',
                number,
            ).format(number=number)
            if chain == CHAIN
            else ngettext(
                '{number} list is off the chain now.',
                '{number} lists are off the chain now.',
                number,
            ).format(number=number),
        )
    if not refused:
        return redirect(back)
    context['refused'] = refused
    return render(request, CHANGE_TEMPLATE, context)


def _change(site, chosen, chain, form):
    """Put lists on a chain; return those that stay where they are, and why."""
    refused = []
    for one in chosen:
        replace = form.get(f'replace:{one.list_id}', '')
        if one.is_elsewhere and not replace:
            reason = _('it stays on the chain {chain}').format(chain=one.chain)
            refused.append((one, reason))
            continue
        try:
            site.choose(one.list_id, chain, replace)
        except Unavailable as error:
            refused.append((one, str(error)))
    return refused
