# Development tasks. `make` alone lists them.

GO         ?= go
FUZZTIME   ?= 20s
# Flags of go test, or of a test's own, as in `make integration TESTFLAGS='-run TestIntegrationFlask -v'`.
TESTFLAGS  ?=
PACKAGES   ?= ./...
TIMEOUT    ?= 60m
# How many processes share the integration tests, each with daemons of its own. With TESTFLAGS it is one.
SHARDS     ?= 2
PLATFORMS  ?= linux/amd64,linux/arm64

results    := out/test
summary    := $(GO) run ./hack/testsummary

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1	/p' $(firstword $(MAKEFILE_LIST)) | while IFS='	' read -r name what; do printf '%-16s%s\n' "$$name" "$$what"; done

.PHONY: setup
setup: ## install what is missing: system packages, and the tools of hack/tools in out/bin
	@hack/setup.sh

.PHONY: offline
offline: ## make out/offline, a base image and packages for where no registry can be reached
	@hack/offline.sh

.PHONY: build
build: ## compile everything, and the frontend into out/bin
	$(GO) build ./...
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o out/bin/frontend ./cmd/frontend

.PHONY: frontend-image
frontend-image: ## write the frontend's image to out/frontend, an OCI layout
	$(GO) run ./hack/frontend-image -platform $(PLATFORMS) -o out/frontend

.PHONY: readme
readme: ## render README.rst from docs/README.rst.tmpl and docs/images.json
	$(GO) -C hack/catalogue build -o $(CURDIR)/out/bin/catalogue .
	out/bin/catalogue render -keep-trailing-newline

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, shellcheck, actionlint
	@hack/lint.sh

# The tests of hack/catalogue read files of other modules, which go test does not look at when
# it takes a result from its cache: hence -count.
.PHONY: unit
unit: ## the tests that need nothing but Go
	@rm -f $(results)/unit.json
	@{ DISTROLESS_INTEGRATION= $(GO) test -json -skip '^TestIntegration' $(PACKAGES) $(TESTFLAGS); \
		$(if $(filter ./...,$(PACKAGES)),$(GO) -C hack/catalogue test -json -count=1 $(TESTFLAGS) ./...;) } | $(summary) -save $(results)/unit.json

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME
	@hack/fuzz.sh $(FUZZTIME)

.PHONY: integration
integration: ## the tests that start daemons; needs root, or a user namespace
	@rm -f $(results)/integration.json
	@DISTROLESS_INTEGRATION=1 hack/as-root.sh $(if $(TESTFLAGS),$(GO) test -json -count=1 -timeout $(TIMEOUT) -run '^TestIntegration' $(PACKAGES) $(TESTFLAGS),$(GO) run ./hack/testshards -n $(SHARDS) -timeout $(TIMEOUT) $(PACKAGES)) | $(summary) -v -save $(results)/integration.json

.PHONY: test-docker
test-docker: ## the tests on Docker Engines, which they start themselves; installs docker.io, builds a current one
	@hack/setup.sh dockerd gcc pkg-config libseccomp
	@hack/moby.sh || echo "the tests on a current Docker Engine are going to be skipped"
	@DISTROLESS_ENGINES=1 $(MAKE) --no-print-directory integration TESTFLAGS='-run ^TestIntegrationDockerEngine' PACKAGES='./frontend ./hack/demo'

.PHONY: test-cpython
test-cpython: ## CPython's own tests, or TESTS of them, in final or TARGETS; UPDATE=1 records what they give
	@DISTROLESS_CPYTHON="$(or $(TESTS),all)" DISTROLESS_CPYTHON_TARGETS="$(TARGETS)" $(MAKE) --no-print-directory integration PACKAGES=./frontend TESTFLAGS="-run ^TestIntegrationCPython -v$(if $(UPDATE), -update)"

.PHONY: test
test: ## setup, lint, unit, fuzz and integration, and what ran
	@hack/test.sh $(results)

.PHONY: demo
demo: ## build and run an example, or SPEC=path, with Docker or without
	@hack/demo.sh $(if $(SPEC),"$(SPEC)")

.PHONY: bench
bench: ## measure builds and images
	@hack/as-root.sh $(GO) run ./hack/bench

.PHONY: clean
clean: ## remove what is built; the tools of out/bin stay
	rm -rf out/frontend $(results) out/bin/frontend out/bin/catalogue
	@echo "out/bin is left: remove out to start over"
