#!/bin/sh
# vulnerable.sh BUILD PROGRAM...: the known vulnerabilities of Go and its modules that a program calls: govulncheck, against the Go
# team's database as it is in the module golang.org/x/vulndb. VULNDB names another version of that; both come by the Go proxy.
set -eu
build=$1 scanner=v1.9.0 version=${VULNDB:-v0.0.0-20261105234957-e22db6528018}
shift
test "$("$build/tools/govulncheck" -version 2>/dev/null | sed -n 's/^Scanner: govulncheck@//p')" = $scanner || {
	echo "building govulncheck"
	GOFLAGS='' CGO_ENABLED=0 GOBIN=$build/tools go install "golang.org/x/vuln/cmd/govulncheck@$scanner"
}
reports=$(go mod download -json "golang.org/x/vulndb@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/data/osv
python3 "$(dirname "$0")/vulndb.py" "$reports" "$build/vulndb"
for program; do
	echo "== $program, against golang.org/x/vulndb@$version"
	"$build/tools/govulncheck" -db "file://$build/vulndb" -mode binary "$program"
done
