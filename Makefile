# One file for people and for CI. `make help` lists what it can do.
SHELL := /bin/sh
B := $(CURDIR)/.build
ARCH := $(shell go env GOARCH)
TFLITE := $(B)/tflite

# go-tflite names the library -ltensorflowlite_c; these say where it and its headers are. A built binary finds the library
# beside itself (../lib) or where the Debian package puts it; test binaries find it in the build folder.
export CGO_ENABLED := 1
export CGO_CFLAGS := -O2 -I$(CURDIR)/vision/tflite/include -I$(TFLITE)/include
export CGO_LDFLAGS := -L$(TFLITE)/linux_$(ARCH) -Wl,-rpath,$$ORIGIN/../lib:/usr/lib/smiletill:$(TFLITE)/linux_$(ARCH) -Wl,--allow-shlib-undefined
export SMILETILL_MODELS_DIR ?= $(B)/models

.PHONY: deps build
deps:
	@sh models/build/fetch.sh $(B)

build: deps
	@mkdir -p $(B)/bin
	go build -trimpath -o $(B)/bin/smiletill ./cmd/smiletill
