# make demo | test | parity | parity-peers | lint | docs | bench | test-oldest | clean. Each makes the environment it needs by itself.

PYTHON ?= python3
# The oldest supported TensorFlow has no wheels for Python 3.13, so this takes an older Python that
# really runs (a version manager may have names on PATH that do not) and can make environments.
OLDEST_PYTHON ?= $(shell for python in python3.12 python3.11 python3.10; do \
	$$python -c 'import ensurepip, venv' >/dev/null 2>&1 && echo $$python && break; done)

MADE := .venv/made
OLDEST_MADE := .venv-oldest/made
PARITY_MADE := .venv-parity/made
# The last TensorFlow that TF-GAN runs on has wheels for Python 3.9 to 3.11.
TFGAN_PYTHON ?= $(shell for python in python3.11 python3.10 python3.9; do \
	$$python -c 'import ensurepip, venv' >/dev/null 2>&1 && echo $$python && break; done)
TFGAN_MADE := .venv-tfgan/made
TFGAN := 'tensorflow==2.15.*' 'tensorflow-gan==2.1.*' 'tensorflow-probability==0.23.*'
OLDEST := 'tensorflow==2.16.*' 'tf-keras==2.16.*' 'tensorflow-probability==0.24.*'

# make test SLOW=0 leaves the slow tests out.
SLOW ?= 1
# Processes that share the tests, a file each: one of TensorFlow keeps a core busy.
JOBS ?= 2
PYTEST := -m pytest $(if $(filter 0,$(SLOW)),-m "not slow")
SHARED := -n $(JOBS) --dist loadfile

.PHONY: demo test parity parity-peers lint docs bench test-oldest clean

demo: $(MADE)
	rm -rf runs/demo
	.venv/bin/python -m examples.mnist_gan.train --logdir=runs/demo
	@echo "Pictures: runs/demo/samples.png   Metrics: runs/demo/metrics.json"

test: $(MADE)
	.venv/bin/python $(PYTEST) $(SHARED)

# Metrics beside other packages'. Those are in an environment of their own: they bring PyTorch, which
# TensorFlow does not always share a process with, and a top-level package called tests.
parity: $(MADE) $(PARITY_MADE)
	TFGAN_LITE_PEERS_PYTHON=$(CURDIR)/.venv-parity/bin/python .venv/bin/python $(PYTEST) tests/parity

# What the above compares with, alone: fails where the index has no such packages.
parity-peers: $(PARITY_MADE)

lint: $(MADE)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

# The pages of docs/ as a site in build/site, with one that is made of the docstrings; a broken link is
# an error.
docs: $(MADE)
	.venv/bin/python docs/api.py > docs/api.md
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

# TF-GAN is among the peers where there is a Python that it runs on. make bench FLAGS=--jit has another
# table; docs/speed.md tells which there are.
bench: $(MADE) $(if $(TFGAN_PYTHON),$(TFGAN_MADE))
	.venv/bin/python -m benchmarks.run $(FLAGS)

test-oldest: $(OLDEST_MADE)
	.venv-oldest/bin/python $(PYTEST) $(SHARED)

# A virtual environment is reused until setup.py or the version changes. `made` is written last and
# removed before an update: where it is missing, the environment is half-made and starts from nothing.
# $(call make_env,Python to make it from,newest minor version of Python 3,variable that names it,what to install)
define make_env
@[ -n "$(1)" ] || { echo "No Python 3.10 to 3.$(2) with venv found: name one with $(3)=..."; exit 1; }
@$(1) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, $(2)) or \
	sys.exit("Python 3.10 to 3.$(2) is needed, and $(1) is %d.%d: name another one with $(3)=..." % v)'
[ -e $@ ] || rm -rf $(@D)
rm -f $@
$(1) -m venv $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(4)
touch $@
endef

$(MADE): setup.py tfgan_lite/version.py
	$(call make_env,$(PYTHON),13,PYTHON,-e '.[dev]')

$(PARITY_MADE): setup.py tfgan_lite/version.py
	$(call make_env,$(PYTHON),13,PYTHON,'.[parity]')

$(OLDEST_MADE): setup.py tfgan_lite/version.py
	$(call make_env,$(OLDEST_PYTHON),12,OLDEST_PYTHON,-e '.[test]' $(OLDEST))

$(TFGAN_MADE): Makefile
	$(call make_env,$(TFGAN_PYTHON),11,TFGAN_PYTHON,$(TFGAN))

clean:
	rm -rf .venv .venv-oldest .venv-parity .venv-tfgan build dist *.egg-info runs/demo .pytest_cache .ruff_cache .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
