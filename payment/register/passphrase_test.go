package register_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

// What an editor puts around a passphrase is no part of it.
func TestPassphraseFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passphrase")
	const word = "a good passphrase"
	for text, want := range map[string]string{
		word: word, word + "\r\n": word, "\xef\xbb\xbf" + word + "\n": word, "\xff\xfea\x00": "",
		"\xef\xbb\xbf\n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := register.ReadPassphrase(file)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if text[0] == 0xff && (!strings.Contains(err.Error(), "UTF-16") ||
			!strings.Contains(payment.HintOf(err), "UTF-8")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
