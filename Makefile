SHELL := /bin/bash

# Each target is a line or a script in scripts/.

.PHONY: help run sample dev test test-pooled coverage soak fuzz package test-package package-sizes walk supply-chain sbom bench lint format bindings openapi postman diagram icons screenshots clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: ## Build the console and run it (without a display: on a virtual one, with a picture)
	@scripts/run.sh

sample: ## Fill the console's own database, if it has seen no call, with made-up ones
	@scripts/sample.sh

dev: ## Run the console with a frontend that reloads as its source changes
	@scripts/prerequisites.sh run && node postgresql/fetch.mjs && scripts/build-ui.sh
	@trap 'kill %1' EXIT; npm --prefix ui run dev & cargo run --package beamline-registry --no-default-features

test: ## Run every check and test
	@scripts/test.sh

test-pooled: ## Run the core's tests through PgBouncer, in session and in transaction mode
	@scripts/prerequisites.sh test && node postgresql/fetch.mjs
	@TEST_POOLING=session cargo test --workspace --locked --test core
	@TEST_POOLING=transaction cargo test --workspace --locked --test core

coverage: ## Measure which lines the tests run; fails below 80 % of the core's, the server's or the UI's
	@scripts/coverage.sh

package: ## Build the .deb and the .rpm (elsewhere: the .dmg), or KINDS="appimage …"
	@scripts/package.sh $(KINDS)

test-package: ## Install, use and remove the built packages in bare systems (as root)
	@scripts/test-package.sh

package-sizes: ## Write into docs/packages.md what the built packages' size is, and what takes it
	@scripts/package-sizes.sh

walk: ## Do what a newcomer does with a clone, timed and with pictures
	@scripts/walk-from-clone.sh

soak: ## Break everything at random for 30 minutes (SOAK_MINUTES=…); SOAK_SEED=… repeats the faults
	@scripts/prerequisites.sh test && node postgresql/fetch.mjs && scripts/build-ui.sh
	@cargo build --package registry-server --package beamline-registry --locked
	@SOAK_WINDOW=$${SOAK_WINDOW:-1} SOAK_MINUTES=$${SOAK_MINUTES:-30} cargo test --package system-tests --locked --test soak -- --nocapture

fuzz: ## Look for input that breaks a parser, a minute a target (SECONDS_PER_TARGET=…), or TARGETS="document backup …"
	@scripts/fuzz.sh $(TARGETS)

supply-chain: ## Check licences, sources, installation scripts and known holes of what the product is made of
	@scripts/supply-chain.sh

sbom: ## Write what the product is made of into target/sbom (CycloneDX)
	@scripts/sbom.sh

bench: ## Measure all that docs/benchmarks.md says, or SECTIONS="lookup cache …" of it
	@scripts/bench.sh $(SECTIONS)

lint: ## Run the linters and check the formatting
	@scripts/prerequisites.sh run && node postgresql/fetch.mjs && scripts/build-ui.sh
	@npm --prefix ui run lint
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- --deny warnings

format: ## Format all code
	@npm --prefix ui run format
	@cargo fmt --all

bindings: ## Write ui/src/bindings.ts anew from the commands
	@UPDATE_BINDINGS=1 cargo test --package beamline-registry --test bindings

openapi: ## Write docs/openapi.json anew from the HTTP server
	@UPDATE_OPENAPI=1 cargo test --package registry-server --test openapi

postman: ## Write docs/registry.postman_collection.json anew from docs/openapi.json
	@scripts/prerequisites.sh test && UPDATE_POSTMAN=1 cargo test --package system-tests --test server the_committed_collection

diagram: ## Write the diagram in docs/schema.md anew from the migrated tables
	@scripts/prerequisites.sh run && node postgresql/fetch.mjs
	@UPDATE_DIAGRAM=1 cargo test --package system-tests --test core documentation::the_diagram_is_of_the_tables_that_the_migrations_make::on_the_bundled

icons: ## Make the icon set anew from icons/icon.svg
	@scripts/icons.sh

screenshots: ## Take the pictures of docs/pictures anew in the real window
	@scripts/screenshots.sh

clean: ## Remove everything that was built
	@rm -rf target ui/dist ui/node_modules postgresql/node_modules tests/postman/node_modules
