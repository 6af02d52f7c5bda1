# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The explanation of a held message, and the links to it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from mailman_trustedserver.postorius.client import (
    NotFound,
    TrustedServers,
    Unavailable,
)
from mailman_trustedserver.reasons import Actor, Reason
from postorius.auth.decorators import list_moderator_required
from postorius.models import List
from urllib.error import HTTPError


__all__ = ['explanation', 'link_explanations']


def link_explanations(context):
    """Put a link beside the reason of each held message on the page.

    :param context: The context of Postorius' page.
    """
    list_id = context['list'].list_id
    for message in context['held_messages']:
        # An attribute of a REST object that is set would have to be saved.
        message.rest_data['reason'] = format_html(
            '{} <a class="mailman-trustedserver-why" href="{}">{}</a>',
            message.reason or '',
            reverse('held_message_explanation', args=[list_id, message.request_id]),
            _('Was its route trusted?'),
        )


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
    context = {'list': mlist}
    status = 200
    try:
        described = TrustedServers(mlist).explanation(request_id)
        held = mlist.get_held_message(request_id)
        # Where trust ended; nobody vouches for what lies before.
        attested = [hop for hop in described['hops'] if hop['attested']]
        end = attested[-1] if attested else None
        if end and not described['trusted']:
            end['end'] = True
        context.update(
            subject=held.subject,
            sender=held.sender,
            hold_reason=held.reason,
            explanation=described,
            **_advice(described),
            # A route is read from where it began.
            hops=described['hops'][::-1],
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


def _advice(described):
    """The reason as sentences in the reader's language, and who can do something."""
    try:
        reason = Reason(described['reason'])  # type: ignore[call-arg]
        remedy = reason.remedies[described['case']]
        details = described['details']
        details['problem'] = details['problem'] and _(details['problem'])
        return {
            'sentence': _(reason.sentence).format_map(details),
            'remedy': remedy and _(remedy).format_map(details),
            'for_administrator': reason.actor is Actor.ADMINISTRATOR,
        }
    except (KeyError, ValueError):
        # The plugin in Mailman is of another version than this application.
        return {'sentence': described['explanation']}
