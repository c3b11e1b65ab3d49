package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What a terminal keeps in its data folder, and where.

// JournalPath is the journal.
func (c *Config) JournalPath() string { return filepath.Join(c.Paths.DataDir, "journal.db") }

// KeptModels begins the names of the folders in the data folder that hold models which `smiletill models
// swap` has copied: those in force, to which the link InstalledModels leads, and those that customers are
// known by who have not come over yet.
const KeptModels = "models-"

// GalleryDir is the folder of the templates and their key.
func (c *Config) GalleryDir() string { return filepath.Join(c.Paths.DataDir, "gallery") }

// PINsPath is where the hashes of PINs are.
func (c *Config) PINsPath() string { return filepath.Join(c.Paths.DataDir, "pins.db") }

// PairingsPath is the file of the registers that are let in.
func (c *Config) PairingsPath() string { return filepath.Join(c.Paths.DataDir, "registers.json") }

// RecordsPath is what registers asked for.
func (c *Config) RecordsPath() string { return filepath.Join(c.Paths.DataDir, "register.db") }

// CounterPath holds the payments of the counter whose end no page has confirmed.
func (c *Config) CounterPath() string { return filepath.Join(c.Paths.DataDir, "counter.json") }

// DelayPath holds how late the screen's light is seen by the camera.
func (c *Config) DelayPath() string { return filepath.Join(c.Paths.DataDir, "screen-delay.json") }

// SettingsSeenPath holds the settings as they were at the last start, by which the next one tells which of
// them are others.
func (c *Config) SettingsSeenPath() string {
	return filepath.Join(c.Paths.DataDir, "settings-seen.json")
}

// TamperPath is the file whose being there is the alarm of the case.
func (c *Config) TamperPath() string { return filepath.Join(c.Paths.DataDir, "tamper.json") }

// TerminalKeyPath is the key that the terminal signs its reports with.
func (c *Config) TerminalKeyPath() string { return filepath.Join(c.Paths.DataDir, "terminal.key") }

// CloudKeyPath holds the public keys by which the cloud's acknowledgements are believed.
func (c *Config) CloudKeyPath() string {
	if f := c.MQTT.CloudKeyFile; f != "" {
		return f
	}
	return filepath.Join(c.Paths.DataDir, "cloud.pub")
}

// InstalledModels is where `smiletill models swap` puts a shop's own models.
func (c *Config) InstalledModels() string { return filepath.Join(c.Paths.DataDir, "models") }

// builtIn begins the names of sets in the program, to which the link of installed models may lead.
const builtIn = "built-in:"

// ModelsDir is the folder of the models in force, or the name of a built-in set; "" is the default one.
func (c *Config) ModelsDir() (string, error) {
	if c.Paths.ModelsDir != "" {
		return c.Paths.ModelsDir, nil
	}
	dir := c.InstalledModels()
	if to, err := os.Readlink(dir); err == nil && strings.HasPrefix(to, builtIn) {
		return to, nil
	}
	switch _, err := os.Lstat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look for installed models: %w", err)
	}
	return dir, nil // even if it is empty or broken: a shop that installed models must not get others unnoticed
}

// PrepareDataDir is PreparePrivateDir of the data folder, except that root may work in the folder of the user
// that runs the terminal: what registers need is written so that its owner can read it.
func (c *Config) PrepareDataDir() error {
	if info, err := os.Stat(c.Paths.DataDir); err == nil && info.IsDir() && os.Geteuid() == 0 {
		return nil
	}
	return PreparePrivateDir(c.Paths.DataDir)
}
