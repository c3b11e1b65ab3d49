package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"time"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/update"
	"smiletill/device/camera"
	"smiletill/device/serial"
	"smiletill/models"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/payment/report"
	"smiletill/vision/gallery"
)

// read is what the files of a terminal say that does not run.
func (p Probe) read(ctx context.Context, cfg config.Config) []Finding {
	all := []Finding{p.camera(cfg)}
	set, err := files.OpenModels(cfg)
	if err != nil {
		all = append(all, bad("models", err))
	} else {
		all = append(all, Finding{Part: "models", Level: fine, What: "all files are as the manifest says"},
			faces(cfg, set))
	}
	all = append(all, p.link(ctx, cfg), registers(cfg))
	if cfg.Vending.Port != "" {
		all = append(all, p.vending(cfg))
	}
	if f, there := slot(cfg); there {
		all = append(all, f)
	}
	return all
}

func (p Probe) camera(cfg config.Config) Finding {
	f := Finding{Part: "camera", Level: unknown, What: "a recording: " + cfg.Camera.Source}
	if camera.Settings(cfg.Camera).Replay() {
		return f
	}
	found, err := camera.Find(os.DirFS(p.Root+"/"), cfg.Camera.Source)
	if err != nil {
		return bad(f.Part, err)
	}
	f.What = found[0].Node + " " + found[0].Card + " is there; what it gives, `sudo smiletill camera test` tells"
	if _, err := os.Stat(p.at(found[0].Node)); err != nil {
		return Finding{Part: f.Part, Level: fault, What: found[0].Node + " is not there",
			Do: "plug the camera in; `smiletill camera list` shows what is there"}
	}
	return f
}

// faces counts the records by the models that they were made with; none is opened.
func faces(cfg config.Config, set models.Set) Finding {
	f := Finding{Part: "gallery", Level: fine}
	of, err := gallery.ModelsIn(cfg.GalleryDir())
	if err != nil {
		return unseen(f.Part, err)
	}
	before, err := files.SetBefore(cfg, set, slog.New(slog.DiscardHandler))
	if err != nil {
		return bad(f.Part, err)
	}
	own, other, back := 0, 0, ""
	for sha := range maps.Keys(of) {
		switch sha {
		case set.Model(models.Embed).SHA256, before.Model(models.Embed).SHA256:
			own += of[sha]
		default:
			other += of[sha]
			back = files.WayBack(sha)
		}
	}
	f.What = fmt.Sprintf("%d customers, of models that are here", own)
	if other > 0 {
		f.Level, f.Do = warning, "`smiletill enrol --again ID` for each that `smiletill customers list` names"
		f.What += fmt.Sprintf("; %d of other models, who must be enrolled again", other)
		if back != "" {
			f.Do += "; `" + back + "` goes back to those that they were enrolled with"
		}
	}
	return f
}

// link tells whether the broker can be reached from here.
func (p Probe) link(ctx context.Context, cfg config.Config) Finding {
	f := Finding{Part: "report", Level: fine}
	if cfg.MQTT.Broker == "" {
		return Finding{Part: f.Part, Level: warning, What: "off",
			Do: "set mqtt.broker to report payments to the cloud"}
	}
	keys := report.OpenKeyFile(cfg.CloudKeyPath(), cfg.MQTT.CloudKeyFile != "")
	if n, err := keys.Known(); err != nil {
		return bad(f.Part, err)
	} else if n == 0 {
		return Finding{Part: f.Part, Level: warning,
			What: "the cloud's key is not known: no acknowledgement is believed",
			Do:   "put what `smiletill cloud key` prints there into " + cfg.CloudKeyPath()}
	}
	at := brokerAt(cfg)
	conn, err := (&net.Dialer{Timeout: lookupFor}).DialContext(ctx, "tcp", at)
	if err != nil {
		return Finding{Part: f.Part, Level: warning,
			What: "the broker can't be reached at " + at + ": " + short(err),
			Do:   "look at the network, at mqtt.broker, and whether the broker runs; payments are kept meanwhile"}
	}
	_ = conn.Close() // it was only a question
	f.What = at + " answers; whether it takes this terminal, only the running one learns"
	return f
}

// short is the last of an error's words.
func short(err error) string {
	for u := errors.Unwrap(err); u != nil; u = errors.Unwrap(u) {
		err = u
	}
	return err.Error()
}

func registers(cfg config.Config) Finding {
	all, err := register.LoadPairings(cfg.PairingsPath())
	if err != nil {
		return bad("register", err)
	}
	return Finding{Part: "register", Level: fine, What: counted(len(all), "register") + " paired"}
}

func (p Probe) vending(cfg config.Config) Finding {
	port, err := serial.Find(os.DirFS(p.Root+"/"), cfg.Vending.Port)
	if err != nil {
		return bad("vending", err)
	}
	return Finding{Part: "vending", Level: fine, What: "the adapter is at " + port}
}

// slot tells what came of the last update of a card.
func slot(cfg config.Config) (Finding, bool) {
	row, any := update.NewKeeper(cfg.Paths.DataDir, slog.New(slog.DiscardHandler), func() {}).Row()
	return Finding{Part: row.Name, Level: string(row.Level), What: row.Value, Do: row.Do}, any
}

// caseOf tells of an alarm that was written down.
func caseOf(cfg config.Config) Finding {
	f := Finding{Part: "case", Level: fine, What: "no alarm"}
	info, err := os.Stat(cfg.TamperPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unseen(f.Part, err) // a terminal takes it for an alarm; here it may be the user who asks
	}
	if alarm.Stands(cfg.TamperPath()) {
		f.Level, f.What = fault, "the case was opened: no money moves"
		f.Do = "look at the case, close it, then `smiletill tamper reset`"
		if err == nil {
			f.Since = new(info.ModTime())
		}
	}
	return f
}

// verifyFor is how long a page waits for the check of the journal.
const verifyFor = 10 * time.Second

// books is what the journal says of itself, read beside a terminal that may run.
func books(ctx context.Context, cfg config.Config) (all []Finding, sound journal.Report) {
	const part = "journal"
	r, err := journal.OpenReader(ctx, cfg.JournalPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{{Part: part, Level: fine, What: "no payment yet"}}, sound
	case err != nil:
		return []Finding{bad(part, err)}, sound
	}
	defer func() { _ = r.Close() }() // it was only read
	within, cancel := context.WithTimeout(ctx, verifyFor)
	defer cancel()
	sound, err = r.Verify(within, nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || within.Err() != nil:
		all = append(all, Finding{Part: part, Level: unknown, What: "too long to be checked here",
			Do: "`smiletill journal verify` checks all of it"})
	case err != nil:
		all = append(all, bad(part, err))
	default:
		all = append(all, Finding{Part: part, Level: fine, What: fmt.Sprintf(
			"sound: %d payments (%d approved, %d open) in %d facts", sound.Payments, sound.Approved, sound.Open,
			sound.Facts)})
	}
	b, err := r.Backlog(ctx)
	if err != nil {
		return append(all, bad("backlog", err)), sound
	}
	return append(all, waiting(b)), sound
}

// waiting tells what the cloud has not acknowledged. The age alone is no fault: a shop may be offline for a
// day, and limits of its own end that (payment.unreported_age).
func waiting(b journal.Backlog) Finding {
	f := Finding{Part: "backlog", Level: fine, What: "the cloud has acknowledged all"}
	if b.Count > 0 {
		f.What = counted(b.Count, "report") + " for the cloud"
		if f.Since = new(b.Oldest); time.Since(b.Oldest) > backlogOld {
			f.Level = warning
			f.Do = "nothing is lost: look at the line report, and at the broker and the cloud"
		}
	}
	if b.Parked > 0 {
		f.Level = warning
		f.What = fmt.Sprintf("%s that can't be delivered (parked); %d more wait", counted(b.Parked, "report"),
			b.Count)
		f.Do = "`smiletill journal parked` says why; call the operator of the cloud"
	}
	return f
}

// backlogOld is when reports have waited so long that somebody should look: our choice.
const backlogOld = time.Hour

// unset says that nobody has said whose terminal this is.
func unset(cfg config.Config) (Finding, bool) {
	err := cfg.Commissioned()
	if err == nil || cfg.Terminal.Tenant == "test" {
		return Finding{}, false
	}
	return bad("settings", err), true
}
