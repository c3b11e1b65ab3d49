#!/bin/sh
# env.sh: what make gives the go command, as exports that a shell evaluates. Quoted: $ORIGIN is the linker's, not the shell's.
set -eu
for name in CGO_ENABLED CGO_CFLAGS CGO_LDFLAGS GOFLAGS; do
	printf "export %s='%s'\n" "$name" "$(printenv "$name" | sed "s/'/'\\\\''/g")"
done
