package register

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

// unfit says in an operator's words why two files, which TLS refused, are no certificate with its key.
func unfit(certFile, keyFile string) error {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	leaf, locked := blockOf(cert, "CERTIFICATE"), blockOf(key, "ENCRYPTED")
	secret := blockOf(key, "PRIVATE KEY")
	switch {
	case leaf == nil && blockOf(cert, "PRIVATE KEY") != nil && blockOf(key, "CERTIFICATE") != nil:
		return fmt.Errorf("the two are swapped: %s holds a key, and %s a certificate", certFile, keyFile)
	case leaf == nil:
		return fmt.Errorf("%s holds no certificate in PEM form (text with BEGIN CERTIFICATE)", certFile)
	case locked != nil || secret != nil && secret.Headers["DEK-Info"] != "":
		return fmt.Errorf("the key in %s is locked with a passphrase, which nobody can type here", keyFile)
	case secret == nil:
		return fmt.Errorf("%s holds no key in PEM form (text with BEGIN PRIVATE KEY)", keyFile)
	}
	if _, err := x509.ParseCertificate(leaf.Bytes); err != nil {
		return fmt.Errorf("the certificate in %s is damaged", certFile)
	}
	if !readable(secret.Bytes) {
		return fmt.Errorf("the key in %s is damaged, or of a kind that TLS does not use", keyFile)
	}
	return fmt.Errorf("the key in %s is not that of the first certificate in %s", keyFile, certFile)
}

// blockOf is the first PEM block whose name has that in it, or nil.
func blockOf(text []byte, name string) *pem.Block {
	for {
		b, rest := pem.Decode(text)
		if b == nil || strings.Contains(b.Type, name) {
			return b
		}
		text = rest
	}
}

// readable says whether a private key is in one of the forms that TLS takes.
func readable(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, sec1 := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || sec1 == nil
}
