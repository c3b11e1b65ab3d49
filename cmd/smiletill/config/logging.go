package config

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// Logger writes to w: coloured text for a person at a terminal, JSON lines for the journal of a
// service. Format text or json overrides the choice; NO_COLOR (no-color.org) leaves the colours out.
func Logger(c LogConfig, w *os.File) *slog.Logger {
	terminal := term.IsTerminal(int(w.Fd()))
	return slog.New(logHandler(c, w, terminal, terminal && os.Getenv("NO_COLOR") == ""))
}

func logHandler(c LogConfig, w io.Writer, terminal, color bool) slog.Handler {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo // Load lets no other word through
	}
	if c.Format == "json" || c.Format != "text" && !terminal {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})
	}
	return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !color})
}

// readable writes a duration as people do (270ms), where JSON has nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
