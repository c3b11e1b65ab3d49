package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"smiletill/vision/visits"
)

func main() {
	portraits := flag.String("portraits", "", "folder with the portraits (get-portraits.sh)")
	out := flag.String("out", "clips", "folder for the clips")
	readme := flag.String("readme", "", "README whose table of files to renew")
	only := flag.String("only", "", "film this one alone")
	fps := flag.Int("fps", 0, "film at this rate, into NAME-FPSfps.mjpeg")
	flag.Parse()
	if err := run(*portraits, *out, *readme, *only, *fps); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(portraits, out, readme, only string, fps int) error {
	if fps < 0 || fps > 120 || fps != 0 && readme != "" {
		return errors.New("-fps is 1 to 120, and not for the README's table")
	}
	studio, err := visits.NewStudio(portraits)
	if err != nil {
		return err
	}
	table := "| file | frames | bytes | sha256 |\n|---|---|---|---|\n"
	film := func(s visits.Scenario, ext string) error {
		if only != "" && only != s.Name {
			return nil
		}
		s.FPS = fps
		b, err := studio.Film(s)
		if err != nil {
			return err
		}
		if fps != 0 {
			ext = fmt.Sprintf("-%dfps%s", fps, ext)
		}
		row := fmt.Sprintf("| %s%s | %d | %d | %x |\n", s.Name, ext, s.Frames(), len(b), sha256.Sum256(b))
		fmt.Print(row)
		table += row
		return os.WriteFile(filepath.Join(out, s.Name+ext), b, 0o644)
	}
	for _, s := range visits.Scenarios() {
		if err := film(s, ".mjpeg"); err != nil {
			return err
		}
	}
	photos := visits.Photos()
	if fps != 0 {
		photos = nil
	}
	for _, s := range photos {
		if err := film(s, ".jpg"); err != nil {
			return err
		}
	}
	if readme == "" || only != "" {
		return nil
	}
	return renew(readme, table)
}

// renew puts the table between the README's markers.
func renew(path, table string) error {
	const from, to = "<!-- files -->\n", "<!-- end of files -->"
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("renew table: %w", err)
	}
	head, rest, ok := strings.Cut(string(b), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return errors.New("renew table: the markers are missing in " + path)
	}
	return os.WriteFile(path, []byte(head+from+table+to+tail), 0o644)
}
