package setup

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// PasswordVariable is the variable of the environment that a script gives the Wi-Fi's password by.
const PasswordVariable = "SMILETILL_WIFI_PASSWORD"

// claimVariable is the variable that gives the claim code.
const claimVariable = "SMILETILL_CLAIM"

// onCard is where a running card has its first partition.
const onCard = "/boot/select/"

// Words are first settings as flags have them.
type Words struct {
	Name, WiFi, Country, Address, Gateway, Broker, Cloud, Claim string
	DNS, Servers                                                []string
	KeyFiles                                                    []string // of who logs in by ssh, NAME.pub
	// BrokerCA is the file of the certificate that vouches for the broker, CloudKey that of the cloud's key.
	BrokerCA, CloudKey string
	// PasswordFile is where the Wi-Fi's password is; without one, the variable and whoever sits there are asked.
	PasswordFile string
	// ClaimFile is where the claim code is, if Claim is empty; without one, the variable is asked.
	ClaimFile string
	Open      bool
}

// Flags gives a command the flags that these are.
func (w *Words) Flags(flags *pflag.FlagSet) {
	flags.StringVar(&w.Name, "name", "",
		"TENANT/SITE/ID: whose terminal, which shop, its name there; or ID alone")
	flags.StringVar(&w.WiFi, "wifi", "", "name of the Wi-Fi; its password is asked for")
	flags.StringVar(&w.PasswordFile, "wifi-password-file", "",
		"file whose first line is the Wi-Fi's password")
	flags.BoolVar(&w.Open, "wifi-open", false, "the Wi-Fi has no password")
	flags.StringVar(&w.Country, "wifi-country", "", "country whose rules the radio keeps, two letters")
	flags.StringVar(&w.Address, "address", "", "fixed address with the size of its network: 192.168.1.20/24")
	flags.StringVar(&w.Gateway, "gateway", "", "the router's address, with --address")
	flags.StringArrayVar(&w.DNS, "dns", nil, "address of a DNS server, with --address; may be repeated")
	flags.StringArrayVar(&w.Servers, "time-server", nil, "where the time comes from; may be repeated")
	flags.StringArrayVar(&w.KeyFiles, "ssh-key", nil,
		"file of a public key (.pub): technician logs in by it; may be repeated")
	flags.StringVar(&w.Broker, "broker", "", "where payments are reported: mqtts://HOST:8883")
	flags.StringVar(&w.BrokerCA, "broker-ca", "",
		"file of the certificate (PEM) that vouches for the broker; it is put on the card")
	flags.StringVar(&w.CloudKey, "cloud-key", "",
		"file with the cloud's key, as `smiletill cloud key` prints it; it is put on the card")
	flags.StringVar(&w.Cloud, "cloud", "", "address of the cloud that claims the terminal: https://HOST:8444")
	flags.StringVar(&w.Claim, "claim", "", "claim code, kept for the cloud; others on this machine see it")
	flags.StringVar(&w.ClaimFile, "claim-file", "", "file with the claim code; or the variable "+
		claimVariable)
}

// flagOf is the flag that a key of the settings comes from.
func flagOf(key string) string {
	flag, ok := map[string]string{"wifi.ssid": "wifi", "wifi.password": "wifi", "wifi.open": "wifi-open",
		"wifi.country": "wifi-country", "network.address": "address", "network.gateway": "gateway",
		"network.dns": "dns", "time.servers": "time-server", "mqtt.broker": "broker",
		"mqtt.ca_file": "broker-ca", "mqtt.cloud_key_file": "cloud-key", "access.ssh_keys": "ssh-key"}[key]
	if !ok {
		flag = key
	}
	return "--" + flag
}

// Settings are what the words say, or all that is wrong with them. A password is asked for only then.
func (w Words) Settings(in io.Reader, out io.Writer) (Settings, error) {
	s := Settings{Name: w.Name, Cloud: w.Cloud, Claim: w.Claim, Servers: w.Servers, Values: map[string]string{}}
	if w.Broker != "" {
		s.Values["mqtt.broker"] = w.Broker
	}
	s.WiFi = WiFi{SSID: w.WiFi, Country: w.Country, Open: w.Open}
	var problems []problem
	add := func(key, what, instead string) {
		problems = append(problems, problem{Where: flagOf(key), What: what, Instead: instead})
	}
	p := parser{add: add}
	take := func(name string, texts ...string) {
		if len(texts) > 0 && texts[0] != "" {
			p.take(value{name: name, texts: texts})
		}
	}
	take("network.address", w.Address)
	take("network.gateway", w.Gateway)
	take("network.dns", w.DNS...)
	s.Network = p.s.Network
	var err error
	if s.Claim, err = w.claim(); err != nil {
		return s, err
	}
	if s.Keys, err = keysOf(w.KeyFiles); err != nil {
		return s, err
	}
	if err := w.beside(&s); err != nil {
		return s, err
	}
	if len(problems) == 0 {
		checker{add}.all(s)
	}
	if err := asError("settings", problems); err != nil || w.WiFi == "" || w.Open {
		return s, err
	}
	password, err := w.password(in, out)
	if err != nil {
		return s, err
	}
	s.WiFi.Password = password
	checker{add}.wifi(s.WiFi)
	return s, asError("settings", problems)
}

// beside takes what the terminal knows broker and cloud by, and names it in the settings as it lies on a
// card.
func (w Words) beside(s *Settings) error {
	if w.BrokerCA != "" && !strings.HasPrefix(w.Broker, "mqtts://") { // the terminal would refuse all of it
		return config.Usage(payment.WithHint(
			errors.New("--broker-ca vouches for a broker, and there is none with TLS"),
			"give --broker mqtts://HOST:8883 too, or leave it out"))
	}
	for _, f := range []struct{ path, key, name, kind, want string }{
		{w.BrokerCA, "mqtt.ca_file", "ca.pem", "CERTIFICATE",
			"the certificate of whoever vouches for the broker's"},
		{w.CloudKey, "mqtt.cloud_key_file", "cloud.pub", "PUBLIC KEY",
			"what `smiletill cloud key` prints"},
	} {
		if f.path == "" {
			continue
		}
		data, err := os.ReadFile(f.path)
		if err != nil {
			return config.Usage(payment.WithHint(fmt.Errorf("read %s: %w", flagOf(f.key), err),
				"name a file with "+f.want))
		}
		block, _ := pem.Decode(data)
		ok := block != nil && block.Type == f.kind
		if ok && f.kind == "CERTIFICATE" {
			_, err = x509.ParseCertificate(block.Bytes)
		} else if ok {
			_, err = x509.ParsePKIXPublicKey(block.Bytes)
		}
		if !ok || err != nil {
			return config.Usage(payment.WithHint(fmt.Errorf("%s: %s is no %s in PEM", flagOf(f.key), f.path,
				strings.ToLower(f.kind)), "name a file with "+f.want))
		}
		s.Values[f.key] = onCard + f.name
		s.Files = append(s.Files, File{f.name, data})
	}
	return nil
}

func (w Words) claim() (string, error) {
	if w.Claim != "" {
		return w.Claim, nil
	}
	if w.ClaimFile == "" {
		return os.Getenv(claimVariable), nil
	}
	text, err := os.ReadFile(w.ClaimFile)
	if err != nil {
		return "", fmt.Errorf("read the claim code: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (w Words) password(in io.Reader, out io.Writer) (Secret, error) {
	wanted := func(text string) (Secret, error) {
		if text == "" {
			return "", config.Usage(payment.WithHint(errors.New("the Wi-Fi's password is empty"),
				"write --wifi-open for a Wi-Fi without one"))
		}
		return Secret(text), nil
	}
	if w.PasswordFile != "" {
		data, err := os.ReadFile(w.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the Wi-Fi's password: %w", err)
		}
		line, _, _ := strings.Cut(string(data), "\n")
		return wanted(strings.TrimRight(line, "\r"))
	}
	if text, ok := os.LookupEnv(PasswordVariable); ok {
		return wanted(text)
	}
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", config.Usage(payment.WithHint(errors.New("nobody is here to type the Wi-Fi's password"),
			"give it by --wifi-password-file or the variable "+PasswordVariable))
	}
	fmt.Fprintf(out, "Password of the Wi-Fi %q: ", w.WiFi)
	text, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return "", fmt.Errorf("read the Wi-Fi's password: %w", err)
	}
	return wanted(string(text))
}
