# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that Mailman, Postorius and the parts of the plugin know each other by."""

__all__ = [
    'ANNOUNCE_STYLE',
    'CHAIN',
    'DEFAULT_CHAIN',
    'MODERATION_RULES',
    'MSGDATA_KEY',
    'PLUGIN',
    'RULE',
    'STYLE',
]

# Its class, as in `class:` of its section in mailman.cfg.
PLUGIN = 'mailman_trustedserver.plugin.TrustedServerPlugin'

RULE = 'trusted-server'
CHAIN = 'trusted-server-posting-chain'
STYLE = 'trusted-server-default'
ANNOUNCE_STYLE = 'trusted-server-announce'

# Mailman's own chain for posts, and those of its rules whose decisions a trusted post
# bypasses.
DEFAULT_CHAIN = 'default-posting-chain'
MODERATION_RULES = ('member-moderation', 'nonmember-moderation')

# The member of a post's msgdata that keeps the verdict.
MSGDATA_KEY = 'trusted_server'
