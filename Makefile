# One file for people and for CI: `make help` lists what it can do. Everything that is fetched or built is in .build.
SHELL := /bin/sh
.DEFAULT_GOAL := help
B := $(CURDIR)/.build
ARCH := $(shell go env GOARCH)
TFLITE := $(B)/tflite

# go-tflite names the library -ltensorflowlite_c; these say where it and its headers are. A built binary finds the library
# beside itself (../lib or ../tflite) or where a package puts it; test binaries find it in the build folder.
export CGO_ENABLED := 1
export CGO_CFLAGS := -O2 -I$(CURDIR)/vision/tflite/include -I$(TFLITE)/include
export CGO_LDFLAGS := -L$(TFLITE)/linux_$(ARCH) -Wl,-rpath,$$ORIGIN/../lib:$$ORIGIN/../tflite/linux_$(ARCH):/usr/lib/smiletill:$(TFLITE)/linux_$(ARCH) -Wl,--allow-shlib-undefined

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
SCREEN ?= 127.0.0.1:8080

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## a shop day on a simulated board; ONCE=1 ends by itself, SCREEN=host:port moves the page
	@$(B)/bin/smiletill demo $(if $(ONCE),--once) --screen $(SCREEN)

.PHONY: test
test: deps tools ## all tests, with the race detector, the real runtime, a real broker and a real browser
	go test -race -timeout 20m ./...

.PHONY: check
check: lint tools ## what CI runs: lint, tests, the build without TFLite, the demo, a clean tree
	@test -x /usr/sbin/mosquitto && command -v mosquitto_sub chromium >/dev/null || { \
	  echo "mosquitto, mosquitto-clients or chromium is missing: tests would skip, and a check must not"; exit 1; }
	@$(MAKE) --no-print-directory test
	CGO_ENABLED=0 go vet -tags notflite ./...
	CGO_ENABLED=0 go test -tags notflite ./vision/... ./payment ./device/camera ./models
	@$(MAKE) --no-print-directory demo ONCE=1 SCREEN=127.0.0.1:0
	@test -z "$$(git status --porcelain)" || { git status --short; echo "the tests left these behind, or they are not committed"; exit 1; }

.PHONY: lint
lint: deps
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "gofmt -w $$bad"; exit 1; }
	go mod tidy -diff
	go vet ./...
	@test -x $(B)/tools/staticcheck || { echo "building staticcheck (20 s)"; GOBIN=$(B)/tools CGO_LDFLAGS= go install honnef.co/go/tools/cmd/staticcheck@v0.8.2; }
	@test -x $(B)/tools/exhaustive || GOBIN=$(B)/tools CGO_LDFLAGS= go install github.com/nishanths/exhaustive/cmd/exhaustive@v0.17.1
	$(B)/tools/staticcheck ./...
	$(B)/tools/exhaustive -d -typeignore go-toml ./...

.PHONY: bench
bench: deps ## speed and allocations of each vision stage, the whole path, the gallery, the journal and the report
	go test -run '^$$' -bench . -benchmem -count $(or $(COUNT),1) ./vision/... ./device/camera ./payment/... ./cmd/...

.PHONY: fuzz
fuzz: deps ## each fuzz target for FUZZTIME (default 10s)
	@for d in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -rhoP --include='*_test.go' '^func \KFuzz\w+' $$d); do \
	    echo "== $$d $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(or $(FUZZTIME),10s) $$d || exit 1; done; done

.PHONY: build
build: deps
	@mkdir -p $(B)/bin
	@test -e $(B)/bin/smiletill || echo "building smiletill (the first time takes a minute or two on 2 cores)"
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $(B)/bin/smiletill ./cmd/smiletill

.PHONY: deps
deps:
	@command -v gcc >/dev/null && command -v npm >/dev/null || sh .ci/install.sh gcc libc6-dev npm
	@sh models/build/fetch.sh $(B)

# What the tests use besides Go: a broker and a browser that we did not write.
.PHONY: tools
tools:
	@{ test -x /usr/sbin/mosquitto && command -v mosquitto_sub chromium >/dev/null; } || sh .ci/install.sh mosquitto mosquitto-clients chromium
