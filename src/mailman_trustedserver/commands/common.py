# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several of the commands do: find what is named, open and print."""

import click
import sys

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman_trustedserver.adapter import find_plugin
from zope.component import getUtility


def loaded_configuration(exit_code):
    """The configuration in force, or the error on stderr and an exit."""
    plugin = find_plugin()
    if plugin is None:
        error = (
            f'{config.filename}: the plugin is not enabled; write '
            '"enabled: yes" into its section [plugin.trustedserver]'
        )
    elif plugin.configuration is None:
        error = plugin.error
    else:
        return plugin.configuration
    click.echo(error, err=True)
    raise click.exceptions.Exit(exit_code)


def find_lists(ctx, listspecs):
    """The lists, by posting address or list-id; all are found or it fails."""
    manager = getUtility(IListManager)
    mlists = []
    for listspec in listspecs:
        mlist = manager.get(listspec)
        if mlist is None:
            ctx.fail(f'No such list: {listspec}')
        mlists.append(mlist)
    return mlists


def show(line):
    """Print a line, of which a terminal may not know every character."""
    encoding = sys.stdout.encoding or 'ascii'
    click.echo(line.encode(encoding, 'backslashreplace').decode(encoding))


def open_input(name):
    return click.open_file(name, 'rb')
