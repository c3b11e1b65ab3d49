package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"smiletill/payment"
)

// linkOptions are those of the link to the cloud, and of the log.
func (c *Config) linkOptions() []option {
	m := &c.MQTT
	return []option{
		{"mqtt.broker", &m.Broker, "where payments are reported; empty is off", brokerURL},
		{"mqtt.username", &m.Username, "user at the broker", nil},
		{"mqtt.password_file", &m.PasswordFile, "file that holds the password", absolute},
		{"mqtt.ca_file", &m.CAFile, "certificates that sign the broker's", absolute},
		{"mqtt.cert_file", &m.CertFile, "this terminal's certificate", absolute},
		{"mqtt.key_file", &m.KeyFile, "this terminal's private key", absolute},
		{
			"mqtt.cloud_key_file",
			&m.CloudKeyFile,
			"public keys of the cloud; empty: cloud.pub in the data",
			absolute,
		},
		{"mqtt.alpn", &m.ALPN, "protocol to ask for in the TLS handshake; empty: none", alpnName},
		{"mqtt.subscribe_qos", &m.SubscribeQoS, "quality of service of subscriptions, 0 or 1", subscribeQoS},
		{"log.level", &c.Log.Level, "debug, info, warn or error", oneOf("debug", "info", "warn", "error")},
		{"log.format", &c.Log.Format, "auto, text or json", oneOf("auto", "text", "json")},
	}
}

// alpnName is one name; a comma would be read as a list of them, and isn't.
func alpnName(v any) *mistake {
	return matches(`[!-+\--~]{0,64}`, `the name of one protocol: "mqtt", "x-amzn-mqtt-ca"`)(v)
}

func subscribeQoS(v any) *mistake { return between(0, 1)(v) }

// CheckLink checks the flags --alpn and --subscribe-qos of a command as the settings mqtt.alpn and
// mqtt.subscribe_qos are checked.
func CheckLink(alpn string, qos int) error {
	for _, one := range []struct {
		flag  string
		wrong *mistake
	}{{"--alpn", alpnName(alpn)}, {"--subscribe-qos", subscribeQoS(qos)}} {
		if one.wrong != nil {
			return Usage(payment.WithHintf(fmt.Errorf("%s: %s", one.flag, one.wrong.what), "%s", one.wrong.instead))
		}
	}
	return nil
}

func brokerURL(v any) *mistake {
	const like = `write "mqtt://127.0.0.1:1883", "mqtts://HOST:8883", or "" for no reports`
	if v == "" {
		return nil
	}
	u, err := url.Parse(v.(string))
	if err != nil { // its text repeats the URL, and so a password in it
		return &mistake{"isn't a URL", like}
	}
	if u.User != nil {
		return &mistake{"a URL with a user or a password in it is shown in logs",
			"write the user in mqtt.username and the name of a file with the password in mqtt.password_file"}
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "mqtt" && (ip == nil || !ip.IsLoopback()) {
		return &mistake{strconv.Quote(u.Redacted()) + " would send payments in clear text", like}
	}
	if u.Scheme != "mqtt" && u.Scheme != "mqtts" ||
		hostPort(u.Host) != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return &mistake{strconv.Quote(u.Redacted()) + " won't do", like}
	}
	return nil
}
