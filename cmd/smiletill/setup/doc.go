// Package setup gives a terminal its first settings: from a file, setup.toml, on the card's first partition
// or on a stick, or by asking the five things that matter.
//
// The file is written by hand in any editor, or by `smiletill flash`; it is the same in both places. Beside
// it the terminal leaves setup-report.txt: what was taken over, or what is wrong, in which line, and what to
// write instead.
//
// Invariants: nothing is changed before all of a file was found right; each file of the system is replaced
// whole (written beside, synced, renamed) or not at all, and the work can be cut short anywhere and begun
// again; a file is taken over once; a Wi-Fi password is overwritten on the stick when it was taken over, and
// stands in no report, error or log; a terminal that has its name takes from a stick, which anybody can put
// in, what concerns the network alone.
//
// Where /etc can't be written, what belongs there is kept on the data partition and put below /run at each
// start; what another user has put there instead is left out.
//
// On a card it also keeps who logs in by ssh, and the machine's own key, which is made once; and has the
// kernel drop what comes in but what the configuration opens (firewall): in one step, and, whatever is wrong
// with the configuration, never what lets a technician in.
//
// It imports config (what a terminal's values may be, and how its file is changed) and payment (hints).
//
// Sources: nm-settings-keyfile(5), systemd.network(5), timesyncd.conf(5), hostname(5), IEEE 802.11-2020
// (SSID: 32 bytes; passphrase: 8 to 63 printable ASCII characters, annex J.4),
// sshd(8) (authorized_keys), nft(8), RFC 4890 (what a firewall has to let pass of ICMPv6).
package setup
