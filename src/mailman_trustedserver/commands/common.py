# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several of the commands do: find what is named, open and print."""

import click

from mailman.config import config
from mailman_trustedserver.adapter import find_list, find_plugin
from mailman_trustedserver.explaining import UNUSABLE
from mailman_trustedserver.output import complain, Unwritable, write
from mailman_trustedserver.report import escape


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


def find_lists(listspecs):
    """The lists, by posting address or list-id; all are found or it fails."""
    mlists = []
    for listspec in listspecs:
        mlist = find_list(listspec)
        if mlist is None:
            complain(f'No such list: {escape(listspec)}')
            raise click.exceptions.Exit(UNUSABLE)
        mlists.append(mlist)
    return mlists


def show(text, end='\n'):
    """Print a text; what cannot be written is one line on stderr and an exit."""
    try:
        write(text, end)
    except Unwritable:
        raise click.exceptions.Exit(UNUSABLE) from None


def open_input(name):
    return click.open_file(name, 'rb')
