package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // photos come as JPEG
	_ "image/png"  // or PNG
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"smiletill/vision/gallery"
)

const (
	templatesMin, templatesMax = 3, 5 // what a gallery record takes
	templatesByCamera          = 5
	photoMaxBytes              = 16 << 20
	photoMaxSide               = 8192 // pixels
)

func enrolCommand(a *app) *cobra.Command {
	var again string
	cmd := &cobra.Command{
		Use:     "enrol NAME [PHOTO...] | enrol --again ID [PHOTO...]",
		Aliases: []string{"enroll"},
		GroupID: "desk",
		Short:   "Enrol a customer, from photos or by the terminal's camera",
		Long: "Enrol a customer from 3 to 5 photos (JPEG or PNG: one face, looking at the camera, different\n" +
			"moments), or, without photos, by the camera of the running terminal.\n" +
			"The photos are not stored: only encrypted templates are.\n" +
			"--again gives a customer new templates under the same id and name: after a change of the embedding\n" +
			"model (`smiletill customers list` says who), or when a face has changed.",
		Example: "  smiletill enrol \"Grace Hopper\" one.jpg two.jpg three.jpg\n" +
			"  smiletill enrol \"Grace Hopper\"\n" +
			"  smiletill enrol --again c_...",
		Args: func(cmd *cobra.Command, args []string) error {
			if again != "" {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q, files := enrolRequest{Again: again}, args
			if again == "" {
				q.Name, files = args[0], args[1:]
			}
			return enrol(cmd.Context(), cfg, q, files, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&again, "again", "", "id of a customer who gets new templates")
	bindHidden(cmd)
	return cmd
}

func enrol(
	ctx context.Context, cfg Config, q enrolRequest, files []string, out, progress io.Writer,
) error {
	name := q.Name + q.Again // one of them is empty
	for _, f := range files {
		data, err := readPhoto(f)
		if err != nil {
			return err
		}
		q.Photos = append(q.Photos, photo{Name: filepath.Base(f), Data: data})
	}
	if n := len(files); n > 0 && (n < templatesMin || n > templatesMax) {
		return &exitError{exitUsage, withHint(fmt.Errorf("enrol %s: %d photos", name, n),
			"give %d to %d photos of different moments", templatesMin, templatesMax)}
	}
	c := newClient(cfg.Paths.ControlSocket)
	var done customerReply
	var err error
	switch {
	case c.running(ctx):
		done, err = c.enrol(ctx, q, func(text string) { fmt.Fprintln(progress, text) })
	case len(files) == 0:
		return withHint(fmt.Errorf("enrol %s: %w", name, errNotRunning),
			"enrolment by camera needs the running terminal (`smiletill run`); else give 3 to 5 photos")
	default:
		done, err = enrolHere(cfg, q)
	}
	if err != nil {
		return fmt.Errorf("enrol %s: %w", name, err)
	}
	fmt.Fprintf(
		out,
		"enrolled %s as %s with %d templates; no photo was stored\n",
		done.Name,
		done.ID,
		done.Templates,
	)
	return nil
}

func readPhoto(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("read photo: %w", err), "name JPEG or PNG files that this user can read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, photoMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read photo %s: %w", path, err)
	}
	if len(data) > photoMaxBytes {
		return nil, withHint(
			fmt.Errorf("read photo %s: larger than %d MB", path, photoMaxBytes>>20),
			"take a smaller picture",
		)
	}
	return data, nil
}

// enrolHere works on the files while no terminal runs.
func enrolHere(cfg Config, q enrolRequest) (customerReply, error) {
	log := newLogger(cfg.Log, os.Stderr)
	if err := preparePrivateDir(cfg.Paths.DataDir); err != nil {
		return customerReply{}, err
	}
	set, err := openModels(cfg)
	if err != nil {
		return customerReply{}, err
	}
	l, err := openLooker(set)
	if err != nil {
		return customerReply{}, err
	}
	g, err := openGallery(cfg, set, alarmStands(cfg), log)
	if err != nil {
		return customerReply{}, errors.Join(err, l.close())
	}
	done, err := enrolPhotos(l, g, q)
	return done, errors.Join(err, g.Close(), l.close())
}

// enrolPhotos makes a template of each photo; each must show one face that the pipeline would take at the
// counter.
func enrolPhotos(l *looker, g *gallery.Gallery, q enrolRequest) (customerReply, error) {
	var templates [][]float32
	for i, p := range q.Photos {
		where := fmt.Sprintf("photo %d (%s)", i+1, p.Name)
		img, err := decodePhoto(p.Data)
		if err != nil {
			return customerReply{}, withHint(
				fmt.Errorf("%s: %w", where, err),
				"give a JPEG or PNG picture up to %d pixels a side",
				photoMaxSide,
			)
		}
		template, bad, err := l.template(img)
		if err != nil {
			return customerReply{}, fmt.Errorf("%s: %w", where, err)
		}
		if bad != "" {
			return customerReply{}, withHint(fmt.Errorf("%s can't be used: %s", where, adviceFor(bad)),
				"nobody was enrolled; take that photo again and repeat the command")
		}
		templates = append(templates, template)
	}
	return enrolTemplates(g, q, templates)
}

func decodePhoto(data []byte) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not a picture that can be read: %w", err)
	}
	if c.Width > photoMaxSide || c.Height > photoMaxSide {
		return nil, fmt.Errorf("%dx%d pixels are too many", c.Width, c.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not a picture that can be read: %w", err)
	}
	return img, nil
}

func enrolTemplates(g *gallery.Gallery, q enrolRequest, templates [][]float32) (customerReply, error) {
	var c gallery.Customer
	var err error
	if q.Again != "" {
		c, err = g.EnrolAgain(q.Again, templates)
	} else {
		c, err = g.Enrol(q.Name, templates)
	}
	if err != nil {
		return customerReply{}, err
	}
	return customerReply{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
		Model: g.Model()}, nil
}
