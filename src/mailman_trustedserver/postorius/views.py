# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a held message's route, and what is added to Postorius' own pages.

Each `show_…` takes the request and the context of a page of Postorius, and gives
the template that stands in the place of Postorius' own.
"""

from contextlib import suppress
from django.contrib.auth.decorators import login_required
from django.http import Http404, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_mailman3.lib.paginator import paginate
from mailman_trustedserver.names import ANNOUNCE_STYLE, CHAIN, STYLE
from mailman_trustedserver.postorius.client import (
    NotFound,
    TrustedServers,
    Unavailable,
    VERDICTS,
)
from mailman_trustedserver.postorius.forms import TryForm
from mailman_trustedserver.postorius.routes import picture
from mailman_trustedserver.postorius.verdicts import nonmember_setting, Verdict
from mailman_trustedserver.report import printable
from postorius.auth.decorators import list_moderator_required, list_owner_required
from postorius.models import List
from urllib.error import HTTPError


__all__ = [
    'explanation',
    'show_chain',
    'show_section',
    'show_styles',
    'show_verdicts',
    'try_message',
]

NEW_TEMPLATE = 'postorius/lists/new.html'
HELD_TEMPLATE = 'mailman_trustedserver/held_messages.html'
SETTINGS_TEMPLATE = 'postorius/lists/settings.html'
SUMMARY_TEMPLATE = 'mailman_trustedserver/summary.html'


def show_verdicts(request, context):
    """Put the verdict beside the reason of each held message on the page.

    With `verdict` in the query, only those messages are shown.
    """
    servers = TrustedServers(context['list'])
    context['may_try'] = _may_change(request.user)
    wanted = request.GET.get('verdict')
    context['verdict'] = wanted if wanted in VERDICTS else ''
    try:
        if context['verdict']:
            verdicts = _choose(context, servers)
        else:
            page = context['held_messages']
            verdicts = servers.held(count=page.paginator.per_page, page=page.number)
    except Unavailable as error:
        context['unavailable'] = str(error)
        return HELD_TEMPLATE
    described = {one['request_id']: one for one in verdicts}
    place = _place(request)
    for message in context['held_messages']:
        if message.request_id in described:
            # An attribute of a REST object that is set would have to be saved.
            message.rest_data['reason'] = _with_verdict(
                context['list'], message, Verdict(described[message.request_id]), place
            )
    return HELD_TEMPLATE


def _choose(context, servers):
    """Put only the messages of one verdict on the page; return the verdicts."""
    whole = context['held_messages']
    count, number = whole.paginator.per_page, whole.number

    def ask(page):
        return servers.held_by_verdict(
            verdict=context['verdict'], count=count, page=page
        )

    total, found, verdicts = ask(number)
    page = paginate(range(total), number, count)
    if page.number != number:
        # There are fewer of them.
        total, found, verdicts = ask(page.number)
    page.object_list = found
    context['held_messages'] = page
    return verdicts


def _with_verdict(mlist, message, verdict, place):
    address = reverse(
        'held_message_explanation', args=[mlist.list_id, message.request_id]
    )
    return format_html(
        '{} <a class="mailman-trustedserver-why {}" data-msgid="{}" href="{}{}">{}</a>',
        message.reason or '',
        'trusted' if verdict.trusted else '',
        message.request_id,
        address,
        place,
        verdict.short,
    )


def _place(request):
    """The page of the held messages that somebody comes from, as a query."""
    place = QueryDict(mutable=True)
    for name in ('page', 'count'):
        value = request.GET.get(name, '')
        if value.isascii() and value.isdigit():
            place[name] = value
    if request.GET.get('verdict') in VERDICTS:
        place['verdict'] = request.GET['verdict']
    return f'?{place.urlencode()}' if place else ''


def show_section(request, context):
    """Say in our section of the settings what only a superuser may know."""
    policy = context['form'].initial.get('policy')
    if isinstance(policy, dict):
        policy['superuser'] = request.user.is_superuser
    return SETTINGS_TEMPLATE


def show_styles(request, context):
    """Translate the names of our styles, of which Mailman translates its own part."""
    field = context['form'].fields['list_style']
    field.choices = [
        (name, _('Trusted servers: {style}').format(style=text.partition(': ')[2]))
        if name in (STYLE, ANNOUNCE_STYLE)
        else (name, text)
        for name, text in field.choices
    ]
    return NEW_TEMPLATE


def show_chain(request, context):
    """Say to those who moderate a list whether it is on the chain."""
    roles = ('is_superuser', 'is_list_owner', 'is_list_moderator')
    if any(getattr(request.user, role, False) for role in roles):
        with suppress(Unavailable):
            state = TrustedServers(context['list']).state
            context['chain_sentence'] = _chain_sentence(state)
    return SUMMARY_TEMPLATE


def _chain_sentence(state):
    """Whether a list is on the chain, and since when if that is known."""
    day = parse_date((state.get('posting_chain_since') or '')[:10])
    since = day and date_format(day)
    if state['posting_chain'] == CHAIN:
        if since:
            return _(
                'This list is on the chain of trusted servers, since {date}.'
            ).format(date=since)
        return _('This list is on the chain of trusted servers.')
    if since:
        return _(
            'This list is not on the chain of trusted servers; it was put on another '
            'one on {date}.'
        ).format(date=since)
    return _('This list is not on the chain of trusted servers.')


def _may_change(user):
    """Whether Postorius lets somebody into the settings of the list."""
    return user.is_superuser or getattr(user, 'is_list_owner', False)


def _shown(request, described):
    """What the pages need that show a verdict and a route."""
    user = request.user
    first, folded, last = picture(described)
    return {
        'explanation': described,
        'verdict': Verdict(described),
        'setting': nonmember_setting(),
        'may_change': _may_change(user),
        'superuser': user.is_superuser,
        'address': request.build_absolute_uri(request.path),
        'first': first,
        'folded': folded,
        'last': last,
    }


@require_http_methods(['GET', 'HEAD', 'POST'])
@login_required
@list_owner_required
def try_message(request, list_id):
    """Show what the verdict on a message would be; nothing is kept.

    :param request: The request.
    :param list_id: The list-id or posting address.
    """
    mlist = List.objects.get_or_404(fqdn_listname=list_id)
    form = TryForm(request.POST or None, request.FILES or None)
    context = {'list': mlist, 'form': form}
    if form.is_valid():
        try:
            # A line that is no field is for the plugin to refuse.
            described = TrustedServers(mlist).explain(
                form.cleaned_data['octets'], **form.cleaned_data['entries']
            )
            context.update(_shown(request, described))
        except Unavailable as error:
            context['unavailable'] = str(error)
    return render(request, 'mailman_trustedserver/try.html', context)


@require_safe
@login_required
@list_moderator_required
def explanation(request, list_id, request_id):
    """Show the route of a held message, and why it is trusted or not.

    :param request: The request.
    :param list_id: The list-id or posting address.
    :param request_id: The number of the held message.
    """
    mlist = List.objects.get_or_404(fqdn_listname=list_id)
    context = {'list': mlist, 'place': _place(request)}
    status = 200
    try:
        described = TrustedServers(mlist).explanation(request_id)
        held = mlist.get_held_message(request_id)
        context.update(
            _shown(request, described),
            request_id=request_id,
            subject=printable(held.subject or ''),
            sender=printable(held.sender),
            hold_reason=held.reason,
        )
    except NotFound as error:
        raise Http404(str(error)) from error
    except Unavailable as error:
        context['unavailable'] = str(error)
        status = 503
    except HTTPError as error:
        # It was handled between the two questions.
        raise Http404(error.reason) from error
    template = 'mailman_trustedserver/explanation.html'
    return render(request, template, context, status=status)
