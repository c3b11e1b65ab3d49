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

# What is released has no paths of the machine that built it; the tests are built so too, or all would be compiled twice.
# Nothing is written down for a debugger: compiling takes a fifth less of a processor so, and linking half.
ifeq (,$(findstring -trimpath,$(GOFLAGS)))
export GOFLAGS := $(strip $(GOFLAGS) -trimpath -gcflags=all=-dwarf=false -ldflags=-w)
endif

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -w -X main.version=$(VERSION)
SCREEN ?= 127.0.0.1:8080
BIN := $(B)/bin/smiletill

# Where the tests are that targets name.
BENCH_IN := ./cmd/smiletill/trial
RATES_IN := ./cmd/smiletill/rates
EMULATE_IN := ./cmd/smiletill/cli
SYSTEMD_IN := ./systemd

# What is of one goroutine and long: with the race detector, which makes it ten times as slow, its sweeps are short. CUT are the
# tests that -short cuts, which are played whole without it; the others have been played (TestShortTestsAreRun).
LONG := ./cmd/smiletill/enrolment ./payment/journal ./payment/sim ./vision ./vision/accuracy ./vision/attacks ./vision/visits
CUT := TestKilled TestKilledBetweenFactAndEffect TestFlippedBytes TestFlippedBytesOfTheTail TestQuarantineOfEachPage \
  TestQuarantineAgain TestQuarantineCutShort \
  TestFaultAtEverySyscall TestSim TestEveryWrite TestCropsAgreeWithPlainOnes TestFilmedAtAllRates TestGestures \
  TestMovedPhotoDoesNotConsent TestPosterBesideTheCustomer TestStillFaces TestSetsSideBySide TestTailTables \
  TestNetworksFindTheFaces TestFlatIsFlat TestFrozen TestSameSeedSameBytes TestSmileWidensAndLiftsTheMouth TestNothingTears \
  TestEveryFrameDecodes TestGlanceChangesNothing TestGlanceMissesNobody

# The race detector watches what is ours and all other Go, but not what computes for its caller alone, on its goroutine:
# SQLite's C, translated to Go, and its memory, pictures, compression, and the arithmetic of cryptography (and in vision what
# loops over pixels: go:norace). With SQLite and pictures the tests of payment/journal, register and sim took 146 s of a
# processor instead of 32, those of cmd/smiletill 326 instead of 215; with the rest those of register 42 instead of 34.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory image/... compress/... hash/... crypto/internal/fips140/...
RACE := -race $(UNWATCHED:%=-gcflags="%=-race=false -dwarf=false")

# Jobs run side by side, each with a log of its own (.ci/job.sh). What only computes is nice: it takes what is left of the
# processors by those that wait for something, which the machine's load must not make wait longer; nobody waits for the LAST.
JOBS := $(B)/jobs
export JOBS
JOB := @MAKEFLAGS= sh .ci/job.sh
NICE := nice -n 10
LAST := nice -n 19
ONE := $(MAKE) --no-print-directory
SIDE_BY_SIDE = rm -rf $(JOBS); $(ONE) -j 12 SIDE=1 $(1); s=$$?; sh .ci/job.sh --table; exit $$s

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## a shop day on a simulated board; ONCE=1 ends by itself, SCREEN=host:port moves the page
	@$(B)/bin/smiletill demo $(if $(ONCE),--once) --screen $(SCREEN)

.PHONY: test
test: $(if $(SIDE),job-race) ## the tests, with the race detector, the real runtime, a real broker and a real browser
	@$(if $(SIDE),true,$(call SIDE_BY_SIDE,test))

.PHONY: long
long: $(if $(SIDE),job-long job-bench) ## what the race detector makes too slow for make test, without it: crashes at each write, filmed visits, figures
	@$(if $(SIDE),true,$(call SIDE_BY_SIDE,long))

.PHONY: job-packages job-fetch job-npm job-java job-compile job-compile-race-early job-compile-race job-race job-long job-bench
job-packages:
	$(JOB) packages sh .ci/need.sh build jpeg tests arm64 image $(MORE)
job-fetch:
	$(JOB) fetch sh -c 'sh .ci/need.sh build && sh models/build/fetch.sh $(B)'
job-npm:
	$(JOB) npm $(ONE) -j 2 consumers register-npm axe
job-java: job-fetch
	$(JOB) java $(ONE) register-java

# Compiles all that the tests are made of, once; each job that needs it would do it at the same time. What needs no TFLite
# (SQLite in Go above all) comes while TFLite is fetched. GOGC: a seventh less of a processor; 0.9 GB for SQLite, as without.
EXPORT := GOGC=400 go list -test -deps -export
job-compile: job-fetch
	$(JOB) compile sh -c '$(EXPORT) $(or $(COMPILE),$(LONG) $(BENCH_IN) $(RATES_IN)) >/dev/null'
job-compile-race-early:
	$(JOB) compile-race-early sh -c 'sh .ci/need.sh build && $(EXPORT) $(RACE) ./payment/... ./device/... >/dev/null'
job-compile-race: job-fetch job-compile-race-early
	$(JOB) compile-race sh -c '$(EXPORT) $(RACE) ./... >/dev/null'

# What go vet says is said by lint, once.
job-race: job-compile-race job-packages job-npm job-java $(BEFORE_RACE)
	$(JOB) race go test $(RACE) -short -vet=off -p 4 -parallel 3 -timeout 40m ./...
# The simulated days are PLAYED by a job of their own in the check, many more of them.
job-long: job-compile
	$(JOB) long $(NICE) sh -c "go test -vet=off -timeout 20m -run '^($$(echo $(CUT) | tr ' ' '|'))\$$' $(filter-out $(PLAYED),$(LONG)) && go test -vet=off -run '^Test(Smile|Attack|Liveness)Command$$' $(RATES_IN)"
job-bench: job-compile $(AFTER_RACE)
	$(JOB) bench go test -vet=off -run '^TestBench(OfSets)?$$' $(BENCH_IN)

# The shop's pages in all sizes are for who changes them: the check looks at a panel and a phone.
.PHONY: looks job-looks
looks: $(if $(SIDE),job-looks) ## the shop's pages and "My data" in all sizes and both languages, in a real browser
	@$(if $(SIDE),true,$(call SIDE_BY_SIDE,looks))
job-looks: job-compile job-npm
	$(JOB) looks go test -vet=off -timeout 20m -run '^Test(CounterLooks|CustomersLook|CounterClerksLook|ForgetMeLooks|EnrolLooks)$$' ./device/screen

CONSUMERS := payment/report/testdata/consumers

.PHONY: consumers
consumers:
	@cmp -s $(CONSUMERS)/package-lock.json $(B)/consumers/.installed || { sh .ci/need.sh build; \
	  echo "installing npm's libraries that read the events (70 MB)"; rm -rf $(B)/consumers; mkdir -p $(B)/consumers && \
	  cp $(CONSUMERS)/package*.json $(B)/consumers/ && cd $(B)/consumers && npm ci --silent --no-audit --no-fund --ignore-scripts && \
	  cp package-lock.json .installed; }
	@cp $(CONSUMERS)/check.mjs $(B)/consumers/

REGISTER_JAVA := payment/register/testdata/java

.PHONY: register-java
register-java:
	@cmp -s $(REGISTER_JAVA)/jars.sha256 $(B)/register-java/.installed || { sh .ci/need.sh build; \
	  echo "installing the Java library that registers use (14 MB)"; rm -rf $(B)/register-java; mkdir -p $(B)/register-java && \
	  cp $(REGISTER_JAVA)/pom.xml $(REGISTER_JAVA)/jars.sha256 $(B)/register-java/ && cd $(B)/register-java && \
	  mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib && \
	  (cd lib && sha256sum --quiet -c ../jars.sha256) && cp jars.sha256 .installed; }

REGISTER_NPM := payment/register/testdata/npm

.PHONY: register-npm
register-npm:
	@cmp -s $(REGISTER_NPM)/package-lock.json $(B)/register-npm/.installed || { sh .ci/need.sh build; \
	  echo "installing npm's library that registers use (37 MB)"; rm -rf $(B)/register-npm; mkdir -p $(B)/register-npm && \
	  cp $(REGISTER_NPM)/package*.json $(B)/register-npm/ && cd $(B)/register-npm && npm ci --silent --no-audit --no-fund --ignore-scripts && \
	  cp package-lock.json .installed; }

AXE := device/screen/testdata/axe

.PHONY: axe
axe:
	@cmp -s $(AXE)/package-lock.json $(B)/axe/.installed || { sh .ci/need.sh build; \
	  echo "installing npm's axe-core, which looks at the pages (3 MB)"; rm -rf $(B)/axe; mkdir -p $(B)/axe && \
	  cp $(AXE)/package*.json $(B)/axe/ && cd $(B)/axe && npm ci --silent --no-audit --no-fund --ignore-scripts && \
	  cp package-lock.json .installed; }

# Other days are played for each commit: SIM_FIRST, which is printed, plays them again.
COMMIT := $(shell git rev-parse --short=7 HEAD 2>/dev/null | cut -c 1-7)
CHECK_DAYS = SIM_SEEDS=2000 SIM_FIRST=$(or $(SIM_FIRST),$(shell printf %d 0x$(or $(COMMIT),1)))

.PHONY: check
check: ## what CI runs: lint, tests, the build without TFLite, simulated days, a register's fuzzers, the demo, systemd, the emulated machine, a clean tree
	@$(call SIDE_BY_SIDE,MORE="models emulate boot" PLAYED=./payment/sim BEFORE_RACE="job-python job-compile" AFTER_RACE=job-race COMPILE=./... check-all)
	@test -z "$$(git status --porcelain)" || { git status --short; echo "the tests left these behind, or they are not committed"; exit 1; }

.PHONY: check-all job-there job-source job-linters job-lint job-python job-models job-days job-mutations job-build job-small job-demo job-systemd job-arm64 job-emulate
check-all: test long job-source job-there job-lint job-models job-days job-mutations job-small job-demo job-systemd job-emulate

job-there: job-packages job-npm job-java
	$(JOB) there sh -c 'sh .ci/need.sh --there build jpeg models tests arm64 image emulate boot && \
	  cd $(B)/register-npm && node -e "require(\"@adyen/api-library\")" && test -d $(B)/consumers/node_modules && test -d $(B)/axe/node_modules && \
	  test -e $(B)/register-java/.installed && command -v java'
job-source:
	$(JOB) source $(ONE) source
job-linters:
	$(JOB) linters env GOGC=400 $(NICE) $(ONE) linters
job-lint: job-compile job-linters job-source
	$(JOB) lint env GOGC=400 $(NICE) $(ONE) findings
job-python: job-fetch job-packages
	$(JOB) python $(ONE) python
job-models: job-python
	$(JOB) models $(NICE) $(ONE) models CHECK=1
job-days: job-compile
	$(JOB) days env $(CHECK_DAYS) $(LAST) $(ONE) days
job-mutations: job-compile
	$(JOB) mutations $(LAST) $(ONE) mutations
job-build: job-compile
	$(JOB) build $(ONE) build
job-small: job-build
	$(JOB) small $(NICE) $(ONE) without-tflite-build fuzz-register
# The demo's customers are filmed in real time and have 14 s; some of the other tests have clocks too: neither nice nor beside the
# race job.
job-demo: job-build job-bench
	$(JOB) demo $(ONE) without-tflite demo-once
job-systemd: job-build job-packages
	$(JOB) systemd sh -c 'test "$$(id -u)" != 0 || $(ONE) systemd-test'
job-arm64: job-compile job-compile-race job-packages
	$(JOB) arm64 env GOGC=400 $(NICE) $(ONE) arm64 emulate-build

# Its clock goes by what it executes (device/bench/remote), so it may wait for a processor as long as it likes.
job-emulate: job-arm64
	$(JOB) emulate $(NICE) $(ONE) emulate-run

WITHOUT_TFLITE := ./vision/... ./payment ./device/camera ./models

.PHONY: without-tflite-build without-tflite fuzz-register demo-once
without-tflite-build:
	go vet -tags notflite ./...
	@c=$$(go list -deps -tags notflite -f '{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}' ./... | grep -v purego); test -z "$$c" || { \
	  echo "without TFLite nothing may need C, and these do: $$c"; exit 1; }
	CGO_ENABLED=0 GOGC=400 go list -test -deps -export -tags notflite $(WITHOUT_TFLITE) >/dev/null
without-tflite:
	CGO_ENABLED=0 go test -vet=off -tags notflite $(WITHOUT_TFLITE)
fuzz-register:
	@$(ONE) fuzz FUZZDIR=./payment/register FUZZTIME=50000x
demo-once:
	@$(ONE) demo ONCE=1 SCREEN=127.0.0.1:0

.PHONY: lint source linters findings
lint: deps ## formatting, modules, go vet, staticcheck, exhaustive
	@$(ONE) source linters findings
source:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "gofmt -w $$bad"; exit 1; }
	go mod tidy -diff
linters:
	@test -x $(B)/tools/staticcheck || { echo "building staticcheck (20 s)"; GOBIN=$(B)/tools CGO_LDFLAGS= go install honnef.co/go/tools/cmd/staticcheck@v0.8.2; }
	@test -x $(B)/tools/exhaustive || GOBIN=$(B)/tools CGO_LDFLAGS= go install github.com/nishanths/exhaustive/cmd/exhaustive@v0.17.1
findings:
	@env -u CGO_LDFLAGS sh -c 'eval "$$($(ONE) env)" && test "$$CGO_LDFLAGS" = "$$0"' "$$CGO_LDFLAGS" || { echo "make env does not survive a shell's eval"; exit 1; }
	go vet ./...
	$(B)/tools/staticcheck ./...
	$(B)/tools/exhaustive -d -typeignore go-toml ./...

.PHONY: bench peers
bench: build floats $(if $(PEERS),peers) ## speed and allocations of each stage of a frame (COMPARE=folder of other models), then of all parts; PEERS=1: beside three others
ifdef PEERS
	@$(PEER) models/build/peers.py $(BIN) models $(B)/peers vision/visits/clips/customer_neutral.mjpeg $(if $(ROUNDS),--rounds $(ROUNDS))
else
	@$(B)/bin/smiletill bench $(if $(COMPARE),--compare $(COMPARE))
	go test -run '^$$' -bench . -benchmem -count $(or $(COUNT),1) ./vision/... ./device/camera ./payment/... ./cmd/...
endif

# The others that `make bench PEERS=1` measures beside, in an environment of their own. face_recognition asks for a dlib that would be
# compiled for a quarter of an hour; dlib-bin is the same, compiled. Its models' package needs setuptools when it is installed and run.
PEER := $(B)/peers/python/bin/python
peers: python
	@test -x $(PEER) || { mkdir -p $(B)/peers && python3 -m venv $(B)/peers/python; }
	@cmp -s models/build/peers.txt $(B)/peers/installed.txt || { echo "installing what is measured beside (400 MB)"; \
	  sed -n '/^setuptools==/,/[^\\]$$/p' models/build/peers.txt >$(B)/peers/setuptools.txt && \
	  $(PEER) -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(B)/peers/setuptools.txt && \
	  $(PEER) -m pip install -q --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r models/build/peers.txt && \
	  cp models/build/peers.txt $(B)/peers/installed.txt; }
	@sh models/build/fetch.sh $(B) peers

PY := $(B)/python/bin/python

.PHONY: models
models: python ## builds the int8 models again from their float originals: the same bytes; CHECK=1 only compares
	@$(PY) models/build/build.py $(B)/models models $(if $(CHECK),--check)

.PHONY: calibrate
calibrate: python build ## measures the ranges for int8 anew over FACES=dir (people with one photo each), for make models
	@test -d "$(FACES)" || { echo "say where the photos are: make calibrate FACES=dir, laid out as Name/photo.jpg"; exit 1; }
	@mkdir -p $(B)/crops && $(B)/bin/smiletill crops $(B)/models "$(FACES)" $(B)/crops && \
	  $(PY) models/build/calibrate.py $(B)/models $(B)/crops; s=$$?; rm -rf $(B)/crops; exit $$s

.PHONY: python
python: floats
	@sh .ci/need.sh models
	@test -x $(PY) || python3 -m venv $(B)/python
	@cmp -s models/build/requirements.txt $(B)/python/requirements.txt || { echo "installing the Python tools for the models (40 MB)"; \
	  $(PY) -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r models/build/requirements.txt && \
	  cp models/build/requirements.txt $(B)/python/; }
	@cmp -s buildroot/requirements.txt $(B)/python/buildroot.txt || { echo "installing the Python tools for the cards"; \
	  $(PY) -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r buildroot/requirements.txt && \
	  cp buildroot/requirements.txt $(B)/python/buildroot.txt; }
	@sh models/build/fetch.sh $(B) wheels

.PHONY: attack
attack: build ## simulated attacks and living visits through the networks and a visit: PHOTOS=dir, VISITS=300, SEEDS=judging, FROM=first, ARGS=more flags
	@$(B)/bin/smiletill attack $(if $(PHOTOS),--photos "$(PHOTOS)") --visits $(or $(VISITS),300) --seeds $(or $(SEEDS),judging) --from $(or $(FROM),0) --out $(B)/attack $(ARGS)

.PHONY: accuracy
accuracy: build floats ## detection, ROC and identification on your photos: FACES=dir with Name/photo.jpg; ARGS=more flags
	@test -n "$(FACES)" || { echo "name the folder of photos: make accuracy FACES=dir (dir/Name/photo.jpg, two or more each)"; exit 2; }
	@$(B)/bin/smiletill accuracy "$(FACES)" --out $(B)/accuracy $(ARGS)

# -fuzz would instrument SQLite too: minutes to compile, and inputs kept for what they do in it. These flags do what it does,
# for what is ours and for JSON.
.PHONY: fuzz
fuzz: deps ## each fuzz target for FUZZTIME (default 10s), below FUZZDIR (default all)
	@grep -rlq --include='*_test.go' '^func Fuzz' $(or $(FUZZDIR),.) 2>/dev/null || { echo "no fuzz target is below FUZZDIR=$(FUZZDIR)"; exit 1; }
	@mkdir -p $(B)/fuzz; for d in $$(grep -rl --include='*_test.go' '^func Fuzz' $(or $(FUZZDIR),.) | xargs -n1 dirname | sort -u); do \
	  go test -c -gcflags='smiletill/...=-d=libfuzzer' -gcflags='encoding/json=-d=libfuzzer' -o $(B)/fuzz/fuzz.test ./$$d || exit 1; \
	  for f in $$(grep -rhoP --include='*_test.go' '^func \KFuzz\w+' $$d); do \
	    echo "== $$d $$f"; (cd $$d && $(B)/fuzz/fuzz.test -test.run '^$$' -test.fuzz "^$$f$$" -test.fuzztime $(or $(FUZZTIME),10s) \
	    -test.fuzzminimizetime 100x -test.fuzzcachedir $(B)/fuzz/$$d) || exit 1; done; done

.PHONY: sim days mutations
sim: days ## SIM_SEEDS (default 10000) simulated shop days from SIM_FIRST on, a fault at every write, mistakes built in; SIM_SEED=n repeats one
	@test -n "$(SIM_SEED)" || $(ONE) mutations
days:
	@echo "$(or $(SIM_SEEDS),10000) simulated days from SIM_FIRST=$(or $(SIM_FIRST),1) on"
	GOGC=400 SIM_SEEDS=$(or $(SIM_SEEDS),10000) go test -vet=off -count 1 -timeout 60m -v -run '^(TestSim|TestEveryWrite|TestDays|TestRandomConversations)$$' ./payment/sim ./payment/vending/...
mutations:
	GOGC=400 SIM_MUTATIONS=1 go test -vet=off -count 1 -timeout 60m -v -run '^Test(Liveness)?Mut(ation|ant)s$$' ./payment/sim ./payment/vending/machine ./vision

.PHONY: crash
crash: tools ## kills, failing and cut-off disks for real processes: at every write and fsync (strace), on an ext4 image, every byte flipped
	CRASH_ALL=1 go test -count 1 -timeout 40m -v -run '^Test(Fault|Quarantine|PowerCuts|Flipped|Killed|FilesThat|LastEntries)' ./payment/journal

.PHONY: gestures
gestures: deps ## GESTURES (default 300) visits that talk, yawn, chew, turn or rest, from SEED on, and some that smile: none of the first may pay; FACES, OUT
	GESTURES=$(or $(GESTURES),300) GESTURES_SEED=$(or $(SEED),1) GESTURES_FACES=$(FACES) GESTURES_OUT=$(OUT) \
	  go test -vet=off -count 1 -timeout 120m -v -run '^TestGestures$$' ./vision

.PHONY: build
build: deps
	@mkdir -p $(B)/bin
	@test -e $(BIN) || echo "building smiletill (the first time takes a minute or two on 2 cores)"
	@go build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/smiletill

.PHONY: arm64
arm64: tools ## a Debian package and an archive for a 64-bit Raspberry Pi, built on any machine: .build/dist
	@GOARCH=arm64 CC=aarch64-linux-gnu-gcc $(MAKE) --no-print-directory package BIN=$(B)/bin/smiletill-arm64

.PHONY: package
package: build tools ## the same for this machine's kind
	@rm -f $(B)/dist/smiletill_*_$(ARCH).*
	@sh systemd/package/build.sh $(ARCH) $(BIN) $(TFLITE)/linux_$(ARCH)/libtensorflowlite_c.so $(VERSION) $(B)/dist

.PHONY: arm64-test
arm64-test: arm64 ## that binary and the networks, emulated as a Pi 4 and a Pi 5: the same outputs as on x86-64
	qemu-aarch64 -L /usr/aarch64-linux-gnu $(B)/bin/smiletill-arm64 version
	go test -count 1 -run '^TestArm64' -v ./vision

# A whole machine: QEMU, what unpacks and builds a Debian kernel's modules, and the broker.
EMULATE := $(B)/bench

.PHONY: emulate emulate-build emulate-run
emulate: arm64 ## a shop day on an emulated arm64 machine with the kernel's real camera and GPIO drivers
	@sh .ci/need.sh emulate
	@$(ONE) emulate-build && $(ONE) emulate-run
emulate-build:
	@bash device/bench/guest/build.sh $(EMULATE)/guest
	@for p in device/lines device/watchdog device/camera device/bench; do CGO_ENABLED=0 GOARCH=arm64 go test -c \
	  -o $(EMULATE)/tests/$$(basename $$p).test ./$$p || exit 1; done
	@mkdir -p $(EMULATE)/package && cp $(B)/dist/smiletill_*_arm64.tar.gz $(EMULATE)/package/smiletill.tar.gz
	@go test -c -o $(EMULATE)/day.test $(EMULATE_IN)
emulate-run:
	@cd $(EMULATE_IN) && SMILETILL_EMULATE=$(EMULATE) $(EMULATE)/day.test -test.run '^TestEmulatedShopDay$$'

# A small Debian with systemd, to install the package in and boot in a container; made once.
BOX := $(B)/systemd
SUITE := $(shell . /etc/os-release 2>/dev/null; echo $$VERSION_CODENAME)

# A mount namespace of its own: what mmdebstrap mounts is gone with it, also if it is killed, and nobody removes files through it.
.PHONY: systemd-test
systemd-test: package ## the Debian package under systemd in a container: hangs, kills, upgrade, removal; as root
	@test "$$(id -u)" = 0 || { echo "systemd-test boots a container: run it as root"; exit 1; }
	@sh .ci/need.sh boot
	@test -e $(BOX)/root/usr/bin/grim || { echo "making a small Debian in $(BOX) (a minute or two)"; rm -rf --one-file-system $(BOX); mkdir -p $(BOX); \
	  unshare --mount mmdebstrap -q --variant=minbase --include=systemd,systemd-sysv,libstdc++6,libturbojpeg0 \
	    --include="$$(grep -v '^#' buildroot/debian/packages.kiosk | tr ' ' ,),grim" $(SUITE) $(BOX)/new && \
	  mv $(BOX)/new $(BOX)/root; }
	@rm -f $(BOX)/*.deb && cp $(B)/dist/smiletill_*_$(ARCH).deb $(BOX)/
	@systemd-nspawn -q -D $(BOX)/root --private-network --register=no --keep-unit --console=pipe true 2>/dev/null || { \
	  echo "SKIPPED: this machine lets nobody make containers, so the units were not started under systemd"; exit 0; }; \
	SMILETILL_SYSTEMD=$(BOX) go test -count 1 -run '^TestUnderSystemd$$' $(SYSTEMD_IN)

.PHONY: image
image: arm64 ## a card's image for BOARD=pi4, with a Buildroot checkout: BUILDROOT=dir (an hour or two the first time)
	@test -e "$(BUILDROOT)/Config.in" -a -e "buildroot/configs/smiletill_$(BOARD)_defconfig" || { \
	  echo "say where Buildroot is and which board: make image BUILDROOT=dir BOARD=pi3|pi4|pi5|zero2w|qemu_aarch64_virt"; exit 1; }
	@sh buildroot/prepare.sh $(B)/image $(TFLITE)
	$(MAKE) -C "$(abspath $(BUILDROOT))" O=$(B)/buildroot/$(BOARD) BR2_EXTERNAL=$(CURDIR)/buildroot smiletill_$(BOARD)_defconfig
	$(MAKE) -C "$(abspath $(BUILDROOT))" O=$(B)/buildroot/$(BOARD) BR2_EXTERNAL=$(CURDIR)/buildroot

# The card's root has owners and special files: root alone makes it. Mounts of its making are gone with it.
.PHONY: card card-test bundle
card: ## a card's image from Debian's packages for BOARD=virt: .build/card/BOARD; KEYRING=certificate of updates, LOCKED=1, SOURCES=sources.list; as root
	@bash buildroot/debian/build.sh --check "$(BOARD)"
	@sh .ci/need.sh card
	@$(ONE) arm64
	@KEYRING="$(KEYRING)" BUNDLE_KEY="$(BUNDLE_KEY)" BUNDLE_CERT="$(BUNDLE_CERT)" BUNDLE_FLOOR="$(BUNDLE_FLOOR)" \
	  unshare --mount bash buildroot/debian/build.sh "$(BOARD)" $(B)/card/$(BOARD) $(B)/dist/smiletill_*_arm64.deb
bundle: ## an update for BOARD's cards of what `make card` made: BUNDLE_KEY, BUNDLE_CERT, BUNDLE_FLOOR=oldest version that may follow; IMAGES of Buildroot's
	@test -e "$(BUNDLE_KEY)" -a -e "$(BUNDLE_CERT)" || { echo "say who signs: make bundle BOARD=pi4 BUNDLE_KEY=sign.key BUNDLE_CERT=sign.pem (buildroot/board/keys.sh makes them)"; exit 1; }
	@sh .ci/need.sh image
	@test -z "$(IMAGES)" || { $(ONE) build && $(BIN) version --json >"$(IMAGES)/version.json"; }
	@mkdir -p $(B)/card/$(BOARD) && BUNDLE_KEY="$(BUNDLE_KEY)" BUNDLE_CERT="$(BUNDLE_CERT)" BUNDLE_FLOOR="$(BUNDLE_FLOOR)" \
	  sh buildroot/board/card/bundle.sh "$(or $(IMAGES),$(B)/card/$(BOARD)/images)" "$(BOARD)" $(B)/card/$(BOARD)/smiletill-$(BOARD).raucb
card-test: build ## boots the cards that `make card BOARD=virt` and BOARD=pi3 made in emulated machines, and looks into all that were made
	@test -e $(B)/card/virt/smiletill-virt.img.gz || { echo "make card BOARD=virt comes first"; exit 1; }
	@sh .ci/need.sh card
	SMILETILL_CARD=$(B)/card/virt SMILETILL_CARDS=$(B)/card go test -vet=off -count 1 -timeout 60m -parallel 2 -v \
	  -run '^(TestCardBoots|TestCardShows|TestCardUpdates|TestCardWayBack|TestCardPays|TestPiCards|TestPiBoots)$$' ./buildroot

.PHONY: vulnerable
vulnerable: build ## known vulnerabilities of Go and its modules that the program calls, by govulncheck; VULNDB=version of golang.org/x/vulndb
	@VULNDB="$(VULNDB)" sh .ci/vulnerable.sh $(B) $(BIN)

.PHONY: buildroot-check
buildroot-check: python ## the Buildroot tree: without Buildroot, and with a checkout if BUILDROOT=dir is given
	@$(PY) buildroot/check.py alone
	@test -z "$(BUILDROOT)" || $(PY) buildroot/check.py with "$(BUILDROOT)" $(B)/buildroot/check

.PHONY: env
env: ## what a plain go test, gopls or an editor needs, for a shell: eval "$(make env)"
	@$(ONE) deps >&2
	@sh .ci/env.sh

.PHONY: deps
deps:
	@sh .ci/need.sh build
	@test -e $(B)/no-turbojpeg || { mkdir -p $(B); touch $(B)/no-turbojpeg; sh .ci/need.sh jpeg; true; } # asked for once
	@sh models/build/fetch.sh $(B) runtime

# The models before they became int8: to build from, to compare with, and for tests of delegates.
.PHONY: floats
floats: deps
	@sh models/build/fetch.sh $(B)

# What the tests use besides Go: a broker and a browser that we did not write, and an emulated Raspberry Pi.
.PHONY: tools
tools:
	@sh .ci/need.sh tests arm64 image
