// Package config has the settings of a terminal: what can be set, where each value comes from (defaults, the
// TOML file, the environment, flags, the later wins), what is wrong with one and what to write instead, and
// where a terminal keeps its files and listens.
//
// Invariants: a Config that Load gives has only values that passed their checks; smiletill.toml beside this
// file documents every key with its default, which a test holds against the code; no value is a secret,
// secrets are named by file.
//
// It imports payment alone of the project (amounts, and what is as long as an id is remembered), never the
// other wings: whoever opens a camera or a board converts its section.
package config
