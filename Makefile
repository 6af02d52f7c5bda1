# The front of the project; `make` alone says what there is.
# PYTHON names the interpreter that the virtual environments are made with.

# Mailman is on PyPI for Python 3.9 to 3.12: on 3.13 it needs an nntplib that PyPI does
# not have, and pip falls back to an older one that lacks it.  Debian 13 has one for its
# own Python.
PYTHON ?= $(or $(shell for python in python3 python3.12 python3.11 python3.10 python3.9; do \
    $$python -c 'import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 13))' \
        2>/dev/null && echo $$python && break; done),$(if $(call debians,python3),python3),$(error \
    PyPI has a Mailman for Python 3.9 to 3.12 only; name one: make PYTHON=...  Or take \
    that of Debian 13: CONTRIBUTING.md says how))
# Whether a Python has a Mailman of Debian's; pip must not put another one before it.
debians = $(shell $1 -c 'import mailman.runners.nntp, sys; sys.exit(sys.version_info < (3, 13))' \
    2>/dev/null && echo yes)
VENV_OPTIONS = $(if $(call debians,$(PYTHON)),--system-site-packages)
PIP_OPTIONS = --quiet $(if $(call debians,$(PYTHON)),--no-deps)
VENV = .venv
PURE = */advice/*,*/names.py,*/decision.py,*/report.py,*/explaining.py,*/output.py,*/__main__.py,*/addresses.py,*/expressions.py,*/formats.py,*/mbox.py,*/nearest.py,*/received.py,*/reasons.py,*/policy.py,*/header.py,*/settings.py,*/scopes.py,*/shared_senders.py,*/signatures.py,*/flattening.py
# What runs in the process of Postorius, in `make test-web`.
ELSEWHERE = */postorius/*
VERSIONS = 3.3.8 3.3.9 3.3.10
# The releases of Debian; dev/site/debian.py knows them.
DEBIAN = 12 13 sid

DATABASES = postgresql mariadb

# Postorius as Debian 12 has it, the newest, and that on the Django of Debian sid;
# tests/web/*.txt has the rest.
WEB = 1.3.8 1.3.13 1.3.13-django-5.2
SOURCES := $(shell find src -type f -not -name '*.pyc')

.PHONY: help demo demo-web test check pre-commit docs package test-package manual-runs fuzz nightly bench bench-held test-versions test-web messages screenshots \
	bypass-table checks-table dkim-table formats-table rest-answers import-runs vector load test-load test-databases test-debian test-network test-haraka release-check clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## show the main job on a real Mailman
	$(VENV)/bin/python -m dev.demo

demo-web: $(VENV)/.installed-web  ## the same in a browser, with Postorius
	$(VENV)/bin/python -m dev.demo.web

# As on anybody's machine, in CI too.
test: export TOOLS =
test: $(VENV)/.installed-test  ## run the tests that need nothing else
	$(VENV)/bin/python -m pytest -rs --cov --cov-config=pyproject.toml --cov-report=
	$(VENV)/bin/python -m coverage report --include='$(PURE)' --fail-under=100
	$(VENV)/bin/python -m coverage report --omit='$(PURE),$(ELSEWHERE)' --fail-under=90

# Types are checked against what the tests use.
check: $(VENV)/.installed-test $(VENV)/.installed-check  ## lint, format, types and the layers of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

pre-commit: $(VENV)/.installed-check  ## the hooks of pre-commit on every file
	$(VENV)/bin/pre-commit run --all-files

# A link that leads nowhere is a warning, and a warning is an error.
docs: $(VENV)/.installed-docs  ## the manual, into build/docs
	$(VENV)/bin/python -m sphinx -W --keep-going --quiet docs build/docs

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.installed-fuzz  ## fuzz the reader and the decision, FUZZ_SECONDS=60 each
	$(VENV)/bin/python -m dev.fuzz received -max_total_time=$(FUZZ_SECONDS)
	$(VENV)/bin/python -m dev.fuzz evaluate -max_total_time=$(FUZZ_SECONDS)

nightly: $(VENV)/.installed-test  ## the property tests with 10,000 examples a server
	$(VENV)/bin/python -m pytest --hypothesis-profile=nightly tests/test_received_properties.py tests/test_policy_properties.py

bench: $(VENV)/.installed-bench  ## ratios to what one would use instead, and how they grow
	$(VENV)/bin/python -m dev.benchmarks --plot docs/growth.png

bench-held: .venvs/web-1.3.13/.installed  ## a page of held posts beside Postorius' own
	.venvs/web-1.3.13/bin/python -m dev.benchmarks.held

package: $(VENV)/.installed-package  ## what is published, into dist/, and checks of it
	$(VENV)/bin/python -m dev.package

test-package: $(VENV)/.installed-package  ## the same, and the tests on the wheel
	$(VENV)/bin/python -m dev.package --tests

# What .ci/run leaves out; each has its own lines.  `make bench` is not here: its bounds
# are those of a machine with nothing else to do, and people look at what it draws.
RELEASE = test-package nightly test-version-3.3.8 test-version-3.3.9 test-databases test-web-1.3.8 test-web-1.3.13-django-5.2 \
	test-debian-12-deb test-debian-13-deb test-debian-sid
release-check: $(RELEASE)  ## before a release: what takes too long for each change
	$(MAKE) fuzz FUZZ_SECONDS=600

test-versions: $(VERSIONS:%=test-version-%)  ## the Mailman tests on each version that is supported

.SECONDARY: $(VERSIONS:%=.venvs/%/.installed)
test-version-%: .venvs/%/.installed
	.venvs/$*/bin/python -m pytest -q -m mailman

test-databases: $(DATABASES:%=test-database-%)  ## the same on PostgreSQL and MariaDB

test-database-%: $(VENV)/.installed-databases
	DATABASE=$* $(VENV)/bin/python -m pytest -q -rs -m 'mailman or recipe'

test-web: $(WEB:%=test-web-%)  ## the tests in a browser, on each version of Postorius

.SECONDARY: $(WEB:%=.venvs/web-%/.installed)
test-web-%: .venvs/web-%/.installed .venvs/axe/.installed
	WHEEL=1 .venvs/web-$*/bin/python -m pytest -q -rs -m web tests/web

messages: .venvs/web-1.3.13/.installed  ## renew the catalogues of the web part; needs GNU gettext
	.venvs/web-1.3.13/bin/python -m tests.web.catalogues

# SERVER and SOURCE are kept with what it must give; NAME is that of the file, and
# REPLACE=1 replaces one.
vector: $(VENV)/.installed  ## a vector of a reported message: make vector MESSAGE=x.eml
	$(if $(MESSAGE),,$(error Name a message: make vector MESSAGE=x.eml))
	$(VENV)/bin/python -m dev.vector '$(MESSAGE)' $(if $(NAME),--name '$(NAME)') \
		$(if $(SERVER),--server '$(SERVER)') $(if $(SOURCE),--source '$(SOURCE)') $(if $(REPLACE),--replace)

formats-table: $(VENV)/.installed-test  ## renew the table in docs/formats.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_package.py -k documented_formats

rest-answers: $(VENV)/.installed-test  ## renew the answers in docs/rest.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_rest_examples.py

manual-runs: $(VENV)/.installed-test  ## renew what the pages of the manual show
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_manual.py

import-runs: $(VENV)/.installed-test  ## renew the runs in docs/import.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_importing.py -k runs_on_the_page

checks-table: $(VENV)/.installed-test  ## renew the table in docs/checks.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_lint.py -k documented_lints

dkim-table: $(VENV)/.installed-test  ## renew the table in docs/dkim.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_package.py -k documented_reasons

bypass-table: $(VENV)/.installed-test  ## renew the table in docs/bypass.md
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_bypass.py -k documented_table

screenshots: .venvs/web-1.3.13/.installed  ## renew the pictures in docs/
	SCREENSHOTS=docs .venvs/web-1.3.13/bin/python -m pytest -q tests/web/test_screenshots.py

load: $(VENV)/.installed  ## 10,000 posts with the plugin and without, and while things break
	$(VENV)/bin/python -m dev.load

test-load: $(VENV)/.installed-test  ## the same with some hundred posts
	$(VENV)/bin/python -m pytest -m load tests/test_load.py

test-debian: $(DEBIAN:%=test-debian-%)  ## Debian's own Mailman, in a system of its own; needs root

test-debian-%: $(VENV)/.installed-test $(VENV)/.installed-package
	$(VENV)/bin/python -m pytest -m debian tests/test_debian.py -k debian-$*

test-haraka: $(VENV)/.installed-test .venvs/haraka/.installed  ## a Haraka that lets tabs into HELO; needs Node.js and npm
	$(VENV)/bin/python -m pytest -q -rs -m haraka tests/test_haraka.py

# Looks for what keeps people from using a page.
.venvs/axe/.installed:
	mkdir -p .venvs/axe
	npm install --prefix .venvs/axe --no-audit --no-fund --ignore-scripts axe-core@4.14.1
	touch $@

.venvs/haraka/.installed:
	mkdir -p .venvs/haraka
	npm install --prefix .venvs/haraka --no-audit --no-fund --ignore-scripts --omit=optional Haraka@3.1.6
	touch $@

test-network: $(VENV)/.installed-test  ## real mail servers on a network of namespaces; needs root
	$(VENV)/bin/python -m tests.network

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)
	$(VENV)/bin/python -m pip install $(PIP_OPTIONS) --editable .
	touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	$(VENV)/bin/python -m pip install $(PIP_OPTIONS) --editable '.[$*]'
	touch $@

.venvs/%/.installed: pyproject.toml
	$(PYTHON) -m venv .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --editable '.[test]' mailman==$*
	touch $@

# The wheel, not the source: what a wheel lacks must fail here.
.venvs/web-%/.installed: tests/web/postorius-%.txt pyproject.toml $(SOURCES)
	test -x .venvs/web-$*/bin/python || $(PYTHON) -m venv .venvs/web-$*
	rm -rf .venvs/web-$*/wheel
	.venvs/web-$*/bin/python -m pip wheel --quiet --no-deps --wheel-dir .venvs/web-$*/wheel .
	.venvs/web-$*/bin/python -m pip uninstall --quiet --yes mailman-trustedserver
	.venvs/web-$*/bin/python -m pip install --quiet --requirement $< "$$(echo .venvs/web-$*/wheel/*.whl)[test-web]"
	$(if $(findstring -django-,$*),.venvs/web-$*/bin/python -m pip install --quiet --no-deps 'django==$(lastword $(subst -, ,$*)).*')
	touch $@

clean:  ## remove what all of these made
	rm -rf $(VENV) .venvs .coverage build dist
