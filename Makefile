# What a fresh Debian machine needs is Go, make and root (or sudo). The rest is
# installed when it is missing: programs by apt-get, pinned Go tools into .tools/.
# The machine's own Go settings (GOFLAGS, GOPROXY, caches) are used as they are.

STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
CRANE         := github.com/google/go-containerregistry/cmd/crane@v0.22.1

# The engine's packages are 400,000 lines with the race detector in them, and
# what they do concurrently is BuildKit's; all others are tested with -race.
ENGINE_PACKAGES := internal/(engine|build|cli)|cmd/plinth

# The version comes from git. Without a git that reads this tree (none
# installed, or the tree is another user's) the build goes on without one.
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS  := -s -w $(if $(VERSION),-X github.com/plinth-build/plinth/internal/cli.Version=$(VERSION))
BUILDVCS := $(if $(VERSION),,-buildvcs=false)

# Debian keeps runc where an ordinary user's PATH does not look.
export PATH := $(CURDIR)/.tools/bin:$(PATH):/usr/sbin:/sbin

# A tool is built anew when its pin or the Go it was built with changes.
stamp = .tools/stamps/$(subst /,_,$(1))+$(shell go env GOVERSION)

.PHONY: help build demo test check accept bench clean root
.DEFAULT_GOAL := help

help: ## print this
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: ## build bin/plinth, one static binary
	CGO_ENABLED=0 go build -trimpath $(BUILDVCS) -ldflags '$(LDFLAGS)' -o bin/plinth ./cmd/plinth

demo: ## build a fleet of images from examples/acme (needs root or sudo)
	@scripts/demo "$(MAKE)"

test: root $(call stamp,$(CRANE)) ## run all tests (needs root or sudo)
	@scripts/need ca-certificates git runc shellcheck skopeo umoci
	@echo "go test ./..., each test binary as root"
	@go test -timeout 20m -exec '$(CURDIR)/scripts/asroot' ./...

check: $(call stamp,$(STATICCHECK)) $(call stamp,$(GOLANGCI_LINT)) ## format, vet, linters, tests with the race detector
	@scripts/need ca-certificates git gcc shellcheck
	@scripts/step "gofmt" scripts/gofmt cmd internal
	@scripts/step "go vet" go vet ./...
	@scripts/step "staticcheck" staticcheck ./...
	@scripts/step "golangci-lint" golangci-lint run --allow-serial-runners ./...
	@scripts/step "go test -race" env CGO_ENABLED=1 go test -race -timeout 20m $$(go list ./... | grep -vE '/($(ENGINE_PACKAGES))$$')

accept: root $(call stamp,$(CRANE)) ## run the acceptance scripts on a clean clone (ONLY=name[,name] for some)
	@scripts/need ca-certificates git runc shellcheck skopeo umoci
	@scripts/asroot test/accept/run

bench: root build ## run the benchmarks: Go's own, then plinth beside its peers (long)
	go test -run '^$$' -bench . -benchmem ./...
	@scripts/asroot bench/run

clean: ## remove what was built; states and caches of catalogs stay
	@[ ! -d .tools/root-cache ] || scripts/asroot rm -rf .tools/root-cache
	rm -rf bin .tools

root:
	@scripts/asroot

.tools/stamps/%:
	@scripts/need ca-certificates
	@scripts/gotool '$@' $(STATICCHECK) $(GOLANGCI_LINT) $(CRANE)
