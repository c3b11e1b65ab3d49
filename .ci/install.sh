#!/bin/sh
# install.sh PACKAGE...: installs Debian packages where this machine lets us, else says what is missing. The archive keeps
# only its newest version of each, so they are named without one; what is downloaded elsewhere is pinned by hash.
set -u
if ! command -v apt-get >/dev/null; then
	echo "install: this is not a Debian machine: please install the equivalents of: $*" >&2
	exit 0
fi
as=""
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as=sudo
	else
		echo "install: not root: run 'sudo apt-get install $*', or the tests that need these will say so and skip" >&2
		exit 0
	fi
fi
echo "installing Debian packages: $*"
log=$(mktemp)
# a test starts its own broker on loopback: the package must not start a second one
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' | $as tee $policy >/dev/null && $as chmod +x $policy && made=1; }
if ! { $as apt-get -o DPkg::Lock::Timeout=300 update -q && DEBIAN_FRONTEND=noninteractive $as apt-get \
	-o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
	tail -n 20 "$log"
	echo "install: apt-get failed: see above; then try again" >&2
	status=1
fi
[ -z "${made:-}" ] || $as rm -f $policy
rm -f "$log"
exit "${status:-0}"
