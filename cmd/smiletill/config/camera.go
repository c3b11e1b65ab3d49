package config

import "strings"

// CheckCamera refuses a recording in place of the camera of a terminal that takes payments, unless that is
// one for demonstrations (its tenant is "demo", as where nothing is set, or "test") or camera.test_source is
// set. Commands that take no payments may use recordings.
func (c *Config) CheckCamera() error {
	if !strings.HasPrefix(c.Camera.Source, "replay:") || c.Camera.TestSource ||
		c.Terminal.Tenant == "demo" || c.Terminal.Tenant == "test" {
		return nil
	}
	return Usage(&loadError{Problems: []problem{{
		Where: c.Origin("camera.source"), What: "camera.source: a recording is no camera to take payments with",
		Instead: `write "auto", or name a camera; a terminal for tests says so with camera.test_source = true`,
	}}})
}
