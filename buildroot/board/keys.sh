#!/bin/sh
# keys.sh DIR: what signs updates, made in DIR once: ca.key and ca.pem (20 years; the certificate goes into every card, the key into
# a safe), sign.key and sign.pem (2 years; signed by the CA, sign bundles). With a CA and sign.pem gone or ended, only that one
# is made anew. Nothing that is there is written over.
set -eu
mkdir -p "$1"
cd "$1"
umask 077
if [ ! -e ca.pem ]; then
	openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 7305 -subj "/CN=updates of a smiletill card" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.part 2>/dev/null
	chmod 644 ca.part
	mv ca.part ca.pem
fi
if [ ! -e sign.pem ] || ! openssl x509 -in sign.pem -noout -checkend 0 >/dev/null; then
	printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n' >sign.ext
	openssl req -new -newkey rsa:3072 -nodes -subj "/CN=who signs updates" -keyout sign.key -out sign.csr 2>/dev/null
	openssl x509 -req -sha256 -days 731 -in sign.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile sign.ext -out sign.part 2>/dev/null
	rm -f sign.csr sign.ext
	chmod 644 sign.part
	mv sign.part sign.pem
fi
