# Every target is one cargo command; `make` alone lists them.

CARGO   ?= cargo
PROFILE ?= release
PREFIX  ?= /usr/local
ARGS    ?=
BUILT   := $(or $(CARGO_TARGET_DIR),target)

# In the note's order. A second program of a package stands in src/bin.
PROGRAMS := $(filter $(patsubst %/src/main.rs,%,$(wildcard */src/main.rs)) $(notdir $(wildcard */src/bin/*)),\
	process-demo sync-demo pipe-demo fifo-demo signal-demo tcpsock unixsock)
# Those that have mechanisms to measure.
BENCHES  := $(filter-out process-demo sync-demo,$(PROGRAMS))
RUNS     := $(addprefix run-,$(PROGRAMS))

# A program is run by one quiet command. On a terminal another one before it builds, and shows how far it has come.
RUN  := $(CARGO) run --quiet --profile $(PROFILE) --locked --bin
SHOW  = $(shell [ ! -t 2 ] || echo '$(CARGO) build --profile $(PROFILE) --locked $(1) &&')

# In the background of a script SIGINT is ignored, and would be in what the tests start.
DEFAULT_SIGNALS = $(shell env --default-signal true 2>/dev/null && echo env --default-signal)

.DEFAULT_GOAL := help
.PHONY: help build test claims docs listings pictures mdbook book book-test \
	proof loom faults kernels bench lint fmt ci install clean $(RUNS)

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for program in $(PROGRAMS); do printf "make %-17s %s\n" "run-$$program" "Run $$program; ARGS='…' are its arguments"; done

$(RUNS): run-%:
	@$(call SHOW,--bin $*) $(RUN) $* -- $(ARGS)

build: ## Build the programs, optimised
	$(CARGO) build --release --locked

test: ## Run the tests (under five minutes)
	$(DEFAULT_SIGNALS) $(CARGO) test --locked --workspace --no-fail-fast

proof: ## Compare the answers to all 2³² requests with printf's (a quarter of an hour)
	$(CARGO) test --release --locked --package shared -- --ignored --nocapture every_int32

loom: ## Try pipe-demo's pipe in memory under every interleaving
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR="$(BUILT)/loom" \
		$(CARGO) test --locked --package pipe-demo --release --bin pipe-demo models

faults: ## Let system calls fail, one a run, in every command (an hour); ARGS='pipe-demo run', …
	$(CARGO) build --release --locked && \
		PATH="$$(cd "$(BUILT)/release" && pwd):$$PATH" .ci/faults $(ARGS)

kernels: ## Boot other kernels under qemu, ask all claims there, write docs/systems.toml (an hour); ARGS='6.12-amd64', …
	.ci/kernels $(ARGS)

bench: ## Put every mechanism on one scale; ARGS='--quick', '--json', '--svg FILE', …
	@$(call SHOW,--bins) records=$$(mktemp) && trap 'rm -f "$$records"' EXIT && for program in $(BENCHES); do \
		$(RUN) $$program -- bench --json $(ARGS) >> "$$records" || exit; \
	done && $(RUN) $(lastword $(BENCHES)) -- bench --records "$$records" $(ARGS)

# Leaves the records of all programs in the file $$records.
ASK_ALL = $(call SHOW,--bins) records=$$(mktemp) && trap 'rm -f "$$records"' EXIT && for program in $(PROGRAMS); do \
	$(RUN) $$program -- claims --append "$$records" $(ARGS) || exit; \
done
TELL = $(RUN) $(lastword $(PROGRAMS)) -- claims --records "$$records"
LEDGER = $(TELL) --ledger docs/systems.toml

claims: ## Ask this kernel which of the note's statements hold; ARGS='93 --json', ARGS=--list, …
	@$(ASK_ALL) && $(TELL) $(ARGS)

docs: ## Ask all claims and write docs/claims.md and docs/zh/claims.md
	@$(ASK_ALL) && $(LEDGER) --lang en > docs/claims.md.new && $(LEDGER) --lang zh > docs/zh/claims.md.new && \
	mv docs/claims.md.new docs/claims.md && mv docs/zh/claims.md.new docs/zh/claims.md

listings: ## Copy the code that the guide's pages show from the sources
	$(CARGO) test --quiet --locked --package shared --test book -- --ignored write_listings

pictures: ## Draw the guide's pictures anew, by what the programs see on this machine
	$(CARGO) build --profile $(PROFILE) --locked && \
		PATH="$$(cd "$(BUILT)/$(PROFILE:dev=debug)" && pwd):$$PATH" .ci/pictures

mdbook: ## Install mdBook, in the version that the guide is tested with (a minute)
	$(CARGO) install --quiet --debug --locked mdbook --version =0.5.4 --no-default-features --features search

# The pages link to sources, which stand beside the book as they stand beside docs, and to README.md, which mdBook
# calls index.html.
book: ## Build the reading guide in both languages, target/book/docs/index.html
	@command -v mdbook >/dev/null || { echo "make book needs mdbook: make mdbook" >&2; exit 1; }
	mdbook build docs && mdbook build docs/zh
	@for folder in docs docs/zh; do cp target/book/$$folder/index.html target/book/$$folder/README.html; done
	@find */src -name '*.rs' -exec cp --parents -t target/book {} +

book-test: book ## Try the built guide in a headless Chromium: links, search, themes, widths, without JavaScript
	@.ci/book-test

lint: ## Check format, clippy and shell scripts
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	@if command -v shellcheck >/dev/null; then shellcheck .ci/*; else echo "shellcheck: not found, skipped"; fi

fmt: ## Format the sources
	$(CARGO) fmt --all

ci: lint test ## What .ci/run runs

install: build ## Install programs, man pages and completions under PREFIX
	@for program in $(PROGRAMS); do \
		install -D -m 755 "$(BUILT)/release/$$program" "$(DESTDIR)$(PREFIX)/bin/$$program" && \
		"$(BUILT)/release/$$program" manual \
			"$(DESTDIR)$(PREFIX)/share/man/man1" \
			"$(DESTDIR)$(PREFIX)/share/bash-completion/completions" \
			"$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
			"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d" || exit 1; \
	done

clean: ## Remove what was built
	$(CARGO) clean
