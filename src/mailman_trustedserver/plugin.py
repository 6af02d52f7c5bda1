# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin, as `class: mailman_trustedserver.plugin.TrustedServerPlugin`.

Its configuration is read before Mailman looks for rules and chains, and again
when its files change.  A configuration that does not load never stops Mailman:
the error is logged, no post is trusted, and `mailman trustedserver check` shows
it.
"""

from mailman_trustedserver.adapter import ITrustedServerPlugin
from mailman_trustedserver.configuration import Files
from typing import Any, Optional
from zope.interface import implementer


__all__ = ['TrustedServerPlugin']


@implementer(ITrustedServerPlugin)
class TrustedServerPlugin:
    """See `ITrustedServerPlugin`."""

    # Mailman sets this to NAME from the section [plugin.NAME].
    name: Any = None

    def __init__(self):
        self._files: Optional[Files] = None

    @property
    def configuration(self):
        """See `ITrustedServerPlugin`."""
        return None if self._files is None else self._files.configuration

    @property
    def error(self):
        """See `ITrustedServerPlugin`."""
        return None if self._files is None else self._files.error

    @property
    def paths(self):
        """See `ITrustedServerPlugin`."""
        return [] if self._files is None else self._files.paths

    @property
    def enabled(self):
        """See `ITrustedServerPlugin`."""
        return self._files is None or self._files.enabled

    def refresh(self):
        """See `ITrustedServerPlugin`."""
        if self._files is not None:
            self._files.refresh()

    @property
    def resource(self):
        """See `IPlugin`."""
        # Only the REST runner asks for it; no other process should wait for
        # the import of Mailman's REST API.
        from mailman_trustedserver.rest import TrustedServerResource

        return TrustedServerResource()

    def pre_hook(self):
        """See `IPlugin`."""
        # If this hook raised, Mailman would forget the plugin, and nobody would see
        # why.
        self._files = Files(self.name)
        self._files.read()

    def post_hook(self):
        """See `IPlugin`."""
