# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build what is published into dist/, and check it: a line for each check.

The second build is of what the first one's sdist unpacks to, with another umask
and time zone: so the sdist is complete, and the wheel is that of the sdist.  With
`--tests`, the sdist has to pass its own tests, and they are run on the wheel, with no
source there.
The status is 1 if a check fails.
"""

from __future__ import annotations

import argparse
import email.message
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from collections.abc import Mapping
from pathlib import Path


CHECKOUT = Path(__file__).parents[2]
DIST = CHECKOUT / 'dist'
# See pyproject.toml: 2.1 breaks Mailman.
MAY_CHANGE = {'sqlalchemy'}
# What an index shows of a package, or finds it by; the beginnings of its classifiers.
FIELDS = (
    *('Summary', 'Author', 'License-Expression', 'License-File', 'Requires-Python'),
    *('Keywords', 'Project-URL', 'Description-Content-Type'),
)
CLASSIFIERS = (
    *('Development Status :: ', 'Framework :: Django', 'Intended Audience :: '),
    *('Operating System :: ', 'Programming Language :: Python :: 3', 'Topic :: '),
)


def run(
    *command: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command; return what it printed, or end with that."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding='utf-8',
    )
    if result.returncode != 0:
        sys.exit(f'FAILS {" ".join(map(str, command))}\n{result.stdout}')
    return result.stdout


def passes(check: str, what: str) -> None:
    print(f'{check}: {what}', flush=True)


def build(source: Path, target: Path, umask: int, zone: str) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made from it."""
    before = os.umask(umask)
    try:
        command = sys.executable, '-m', 'build', '--outdir', target, source
        run(*command, environment={'TZ': zone})
    finally:
        os.umask(before)
    (sdist,) = target.glob('*.tar.gz')
    (wheel,) = target.glob('*.whl')
    return sdist, wheel


def unpack(sdist: Path, directory: Path) -> Path:
    """The directory that an sdist unpacks to."""
    with tarfile.open(sdist) as archive:
        archive.extractall(directory)  # noqa: S202
    return directory / sdist.name[: -len('.tar.gz')]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def missing_metadata(wheel: Path) -> list[str]:
    """The fields and classifiers that a wheel lacks."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith('/METADATA'))
        metadata = email.message_from_bytes(archive.read(name))
    classifiers = metadata.get_all('Classifier', [])
    return [field for field in FIELDS if not metadata[field]] + [
        begin
        for begin in CLASSIFIERS
        if not any(one.startswith(begin) for one in classifiers)
    ]


def distributions(python: Path) -> set[str]:
    text = run(python, '-m', 'pip', 'list', '--format', 'freeze')
    return {line.lower() for line in text.splitlines() if '==' in line}


def check_files(directory: Path) -> tuple[Path, Path]:
    """Build, and check the files; return what the sdist unpacks to, and the wheel."""
    first = build(CHECKOUT, directory / 'first', 0o022, 'UTC')
    unpacked = unpack(first[0], directory)
    second = build(unpacked, directory / 'second', 0o077, 'Asia/Tokyo')
    for path, again in zip(first, second):
        if digest(path) != digest(again):
            sys.exit(f'FAILS {path.name} is another one when it is built again')
        passes('the same when built again', f'{path.name} {digest(path)}')
    sdist, wheel = first

    run(sys.executable, '-m', 'twine', 'check', '--strict', *first)
    passes('twine check --strict', 'passed')
    run(Path(sys.executable).with_name('check-wheel-contents'), wheel)
    passes('check-wheel-contents', 'passed')
    missing = missing_metadata(wheel)
    if missing:
        sys.exit(f'FAILS the metadata has no {", ".join(missing)}')
    passes('metadata', f'has {", ".join(FIELDS)} and the classifiers')
    DIST.mkdir(exist_ok=True)
    for path in first:
        shutil.copy(path, DIST)
    return unpacked, wheel


def check_installation(python: Path, wheel: Path) -> None:
    """Install a wheel where a Mailman is that pip installed."""
    run(sys.executable, '-m', 'venv', python.parents[1])
    run(python, '-m', 'pip', 'install', '--quiet', 'mailman')
    before = distributions(python)
    run(python, '-m', 'pip', 'install', '--quiet', wheel)
    after = distributions(python)
    changed = {line.partition('==')[0] for line in before - after}
    if not changed <= MAY_CHANGE:
        sys.exit(f'FAILS it changes in the venv of a Mailman: {sorted(before - after)}')
    gone, new = (' '.join(sorted(lines)) for lines in (before - after, after - before))
    passes('installed into a Mailman', f'{gone or "nothing"} became {new}')


def check_tests(python: Path, unpacked: Path, wheel: Path) -> None:
    """Run the tests of the sdist: by its own command, and on the installed wheel."""
    run('make', 'test', cwd=unpacked)
    passes('tests of the sdist', 'make test')
    run(python, '-m', 'pip', 'install', '--quiet', f'{wheel}[test]')
    shutil.rmtree(unpacked / 'src')
    out = run(python, '-m', 'pytest', '-q', '-rs', cwd=unpacked)
    passes('tests of the sdist on the wheel, without src', out.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog='python -m dev.package', description=__doc__)
    parser.add_argument('--tests', action='store_true', help='run the tests, too')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        python = directory / 'venv' / 'bin' / 'python'
        unpacked, wheel = check_files(directory)
        check_installation(python, wheel)
        if options.tests:
            check_tests(python, unpacked, wheel)


if __name__ == '__main__':
    main()
