# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a vector of a message, with names and addresses for documentation.

It is written to `tests/data/reported`, and what it must give to `expected.jsonl`
there.  Look at both, and at what is named on stderr, before you send them: if a
field should give something else than it does, correct its line.

The status is 1 if the message would be read in another way with other names, and 2
if there is no vector to make of it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys

from collections.abc import Sequence
from dev.site.posts import ROOT
from dev.vector.message import make_vector, Misread, read_message, Vector
from pathlib import Path
from typing import Any, Optional


REPORTED = ROOT / 'tests' / 'data' / 'reported'
EXPECTED = 'expected.jsonl'

MISREAD, UNUSABLE = 1, 2


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='dev.vector',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('message', type=Path, help='a file with one message')
    parser.add_argument('--name', help='of the vector; else that of the file')
    parser.add_argument('--server', help='the server that it is about, and its version')
    parser.add_argument('--source', default='reported', help='where it is from')
    parser.add_argument('--replace', action='store_true', help='a vector of this name')
    parser.add_argument(
        '--directory', type=Path, default=REPORTED, help='where the vectors are'
    )
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Make a vector, and give the exit status."""
    options = _arguments().parse_args(arguments)
    name = options.name or options.message.stem
    name = re.sub('[^a-z0-9]+', '-', name.lower()).strip('-') or 'message'
    target = options.directory / f'{name}.eml'
    try:
        vector = make_vector(read_message(options.message.read_bytes()))
        lines = _lines(options.directory)
        if not options.replace and (target.exists() or target.name in lines):
            raise ValueError(
                f'{os.path.relpath(target)} is there already; say --replace or --name '
                '(with make: REPLACE=1 or NAME=x)'
            )
        line = {
            'file': target.name,
            'server': options.server or vector.server,
            'source': options.source,
            'fields': list(vector.fields),
        }
        _write(target, vector, lines, line)
    except Misread as error:
        return _complain(options.message, error, MISREAD)
    except (OSError, ValueError) as error:
        return _complain(options.message, error, UNUSABLE)
    for where, sentence in vector.doubts:
        print(f'{where}: {sentence}', file=sys.stderr)
    print(json.dumps(line))
    return 0


def _complain(message: Path, error: Exception, status: int) -> int:
    text = (error.strerror if isinstance(error, OSError) else '') or str(error)
    print(f'{message}: {text}', file=sys.stderr)
    return status


def _lines(directory: Path) -> dict[str, dict[str, Any]]:
    """What is expected so far, by the file."""
    expected = directory / EXPECTED
    if not expected.exists():
        return {}
    texts = expected.read_text(encoding='ascii').splitlines()
    return {line['file']: line for line in map(json.loads, texts)}


def _write(
    target: Path, vector: Vector, lines: dict[str, dict[str, Any]], line: dict[str, Any]
) -> None:
    expected = target.parent / EXPECTED
    file_verb = 'replaced' if target.exists() else 'wrote'
    line_verb = 'replaced' if target.name in lines else 'added'
    lines[line['file']] = line
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(vector.data)
    text = ''.join(json.dumps(value) + '\n' for value in lines.values())
    expected.write_text(text, encoding='ascii')
    print(f'{file_verb} {os.path.relpath(target)}')
    print(f'{line_verb} a line of {os.path.relpath(expected)}:')


if __name__ == '__main__':
    sys.exit(main())
