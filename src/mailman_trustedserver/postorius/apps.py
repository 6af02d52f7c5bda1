# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the pages of this application in their places in Postorius."""

import logging

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


__all__ = ['TrustedServersConfig']

# The last part of the address of the section.
SECTION = 'trusted_servers'
BEFORE = 'message_acceptance'
HELD_MESSAGES = 'postorius/lists/held_messages.html'
NEW_LIST = 'postorius/lists/new.html'
SETTINGS = 'postorius/lists/settings.html'
SUMMARY = 'postorius/lists/summary.html'
SYSTEM = 'postorius/system_information.html'

log = logging.getLogger('postorius')


class TrustedServersConfig(AppConfig):
    """See `AppConfig`."""

    name = 'mailman_trustedserver.postorius'
    label = 'mailman_trustedserver'
    verbose_name = _('Trusted Servers')

    def ready(self):
        """See `AppConfig`."""
        for add in (self._add_section, self._add_pages, self._add_overview):
            try:
                add()
            except Exception:
                # Postorius goes on without us.
                log.exception('mailman_trustedserver: this Postorius is not supported')

    def _add_section(self):
        from mailman_trustedserver.postorius.forms import TrustedServersForm
        from postorius.views import list as views

        sections = list(views.SETTINGS_SECTION_NAMES)
        place = [key for key, name in sections].index(BEFORE) + 1
        sections.insert(place, (SECTION, self.verbose_name))
        views.SETTINGS_SECTION_NAMES = tuple(sections)
        views.SETTINGS_FORMS[SECTION] = TrustedServersForm

    def _add_pages(self):
        from django.urls import re_path
        from mailman_trustedserver.postorius.views import (
            explanation,
            show_chain,
            show_section,
            show_styles,
            show_verdicts,
            try_message,
        )
        from postorius.urls import list_patterns
        from postorius.views import list as views

        list_patterns += [
            re_path(
                r'^held_messages/(?P<request_id>[0-9]{1,9})/explanation$',
                explanation,
                name='held_message_explanation',
            ),
            re_path(r'^trusted_servers/try$', try_message, name='list_try_message'),
        ]
        _fill(
            views,
            {
                HELD_MESSAGES: show_verdicts,
                NEW_LIST: show_styles,
                SETTINGS: show_section,
                SUMMARY: show_chain,
            },
        )

    def _add_overview(self):
        from django.urls import re_path
        from mailman_trustedserver.postorius.overview import (
            change,
            overview,
            show_link,
        )
        from postorius.urls import urlpatterns
        from postorius.views import system as views

        urlpatterns += [
            re_path(
                r'^system/trusted_servers/$', overview, name='trusted_servers_overview'
            ),
            re_path(
                r'^system/trusted_servers/change$',
                change,
                name='trusted_servers_change',
            ),
        ]
        _fill(views, {SYSTEM: show_link})


def _fill(views, shows):
    """Have a module of views show our templates in the place of Postorius' own.

    Postorius has no places in its pages that an application could fill.
    """
    render = views.render

    def render_with_ours(request, template, context=None, *args, **kwargs):
        if template in shows:
            try:
                template = shows[template](request, context)
            except Exception:
                log.exception('mailman_trustedserver: %s is as without it', template)
        return render(request, template, context, *args, **kwargs)

    views.render = render_with_ours
