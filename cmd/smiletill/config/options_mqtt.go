package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
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
		{"mqtt.alpn", &m.ALPN, "protocol to ask for in the TLS handshake; empty: none",
			matches(`[!-~]{0,64}`, `the name of a protocol: "mqtt", "x-amzn-mqtt-ca"`)},
		{"mqtt.subscribe_qos", &m.SubscribeQoS, "quality of service of subscriptions, 0 or 1", between(0, 1)},
		{"log.level", &c.Log.Level, "debug, info, warn or error", oneOf("debug", "info", "warn", "error")},
		{"log.format", &c.Log.Format, "auto, text or json", oneOf("auto", "text", "json")},
	}
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
