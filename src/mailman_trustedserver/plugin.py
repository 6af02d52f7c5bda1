# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin, as `class: mailman_trustedserver.plugin.TrustedServerPlugin`.

Its configuration is read once per process, before Mailman looks for rules and
chains.  A configuration that does not load never stops Mailman: the error is
logged, no post is trusted, and `mailman trustedserver check` shows it.
"""

import logging

from mailman_trustedserver.adapter import ITrustedServerPlugin
from mailman_trustedserver.configuration import load_configuration
from mailman_trustedserver.settings import SettingsError
from typing import Any
from zope.interface import implementer


__all__ = ['TrustedServerPlugin']

log = logging.getLogger('mailman.plugins')


@implementer(ITrustedServerPlugin)
class TrustedServerPlugin:
    """See `ITrustedServerPlugin`."""

    # Mailman sets this to NAME from the section [plugin.NAME].
    name: Any = None

    def __init__(self):
        self.configuration = None
        self.error = None

    @property
    def resource(self):
        """See `IPlugin`."""
        # Only the REST runner asks for it; no other process should wait for
        # the import of Mailman's REST API.
        from mailman_trustedserver.rest import TrustedServerResource

        return TrustedServerResource()

    def pre_hook(self):
        """See `IPlugin`."""
        try:
            self.configuration = load_configuration(self.name)
        except SettingsError as error:
            self.error = str(error)
            log.error('trusted-server: no post is trusted: %s', error)
        except Exception as error:
            # If this hook raised, Mailman would forget the plugin, and nobody
            # would see why.
            self.error = f'internal error: {error!r}'
            log.exception('trusted-server: no post is trusted')

    def post_hook(self):
        """See `IPlugin`."""
