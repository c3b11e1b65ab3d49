package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"smiletill/cmd/smiletill/backup"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/light"
	"smiletill/cmd/smiletill/narrow"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/vault"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/register"
	"smiletill/payment/report"
	"smiletill/vision/edgetpu"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// parts are what can fail to open: files on the disk and what is read from them.
type parts struct {
	set, old    models.Set // in force, and those of which customers are left, if any
	looker      *networks.Looker
	accelerator *edgetpu.Accelerator
	gallery     *gallery.Gallery
	size        files.Size
	large       atomic.Bool // the gallery is, for faces alone
	numbers     narrow.Numbers
	disk        *disk
	vault       *vault.Vault
	witness     *witness.Witness
	journal     *journal.Journal
	trail       *enrolment.Trail
	pins        *pin.Store
	intents     intent.Book
	records     *register.Records // nil: recordsErr says why registers are refused
	recordsErr  error
	engine      *payment.Engine
	reporter    *report.Reporter // nil without a broker
	keys        reporting.Keys
	source      string // this terminal's name in events
	frames      *camera.Latest
	eyes        *eyes
	limit       payment.Amount
	policy      payment.Policy              // when a face alone is not enough
	delay       atomic.Pointer[light.Delay] // of the customer's screen
	stop        context.CancelCauseFunc     // ends serving with them
	lacking     atomic.Pointer[string]      // what the journal lacks, in words; nil: nothing
	closers     []func() error
	log         *slog.Logger
}

func openParts(
	ctx context.Context, cfg config.Config, version string, t *tamper, disk *disk, updates *updating,
	log *slog.Logger,
) (_ *parts, err error) {
	p := &parts{log: log, disk: disk, vault: vault.Of(cfg), source: reporting.Address(cfg).Source()}
	defer func() {
		if err != nil {
			err = config.ForTerminal(err)
			p.close()
		}
	}()
	if p.limit, err = payment.ParseDecimal(cfg.Payment.AmountMax, cfg.Terminal.Currency); err != nil {
		return nil, fmt.Errorf("payment.amount_max: %w", err)
	}
	err = config.PreparePrivateDir(cfg.Paths.DataDir)
	if err == nil {
		err = backup.Resume(cfg.Paths.DataDir)
	}
	if err == nil { // not while the version before may be back, nor what nobody may read
		err = p.vault.Settle(t.Raised() || !updates.Proven(), log)
	}
	if err != nil {
		return nil, err
	}
	if p.set, err = files.OpenModels(cfg); err != nil {
		return nil, err
	}
	if p.old, err = files.SetBefore(cfg, p.set, log); err != nil {
		return nil, err
	}
	p.accelerator = networks.NewAccelerator(cfg.Vision.Delegate, log)
	p.looker, err = networks.OpenLookerOn(p.set, p.old, p.accelerator, cfg.Liveness.Passive())
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.looker.Close)
	if p.gallery, err = files.OpenGallery(cfg, p.set, p.old, t.Raised(), log); err != nil {
		return nil, err
	}
	p.witness = witness.Open(cfg.Paths.DataDir, disk.Told(seenFile), log)
	p.closers = append(p.closers, p.gallery.Close, p.witness.Close)
	if p.size, err = files.SizeOf(cfg, p.set, p.old); err != nil {
		return nil, err
	}
	p.warnGallery()
	if err := p.openJournal(ctx, cfg, version); err != nil {
		return nil, err
	}
	if err := p.recover(ctx); err != nil {
		return nil, err
	}
	if p.keys, err = reporting.OpenKeys(cfg, log); err != nil {
		return nil, err
	}
	p.openRecords(ctx, cfg, disk.Told(recordsFile))
	if err := p.openTrail(ctx, cfg, version, t, log); err != nil {
		return nil, err
	}
	refused, failure, err := p.before(ctx)
	if err == nil {
		err = p.readPolicy(cfg)
	}
	if err != nil {
		return nil, err
	}
	if err := p.openEngine(ctx, cfg, t.Wrong, refused, failure); err != nil {
		return nil, err
	}
	return p, p.openReporter(cfg, version, t.Words, disk.Words, p.lacks, updates.Words)
}

// openTrail opens the PINs, and has the journal know what was changed since the last start, of them too.
func (p *parts) openTrail(
	ctx context.Context, cfg config.Config, version string, t *tamper, log *slog.Logger,
) (err error) {
	if p.pins, err = p.vault.OpenPINs(ctx, p.journal.Elapsed); err != nil {
		return err
	}
	p.closers = append(p.closers, p.pins.Close)
	p.pins.OnFailure(p.disk.Told(pinsFile))
	p.intents = intent.In(cfg.Paths.DataDir).OnFailure(p.disk.Told(intentsFile))
	p.trail = enrolment.NewTrail(p.journal, p.gallery, enrolment.Keeps{Book: p.intents,
		PINs: p.pins, Pairings: func() (register.Pairings, error) {
			return register.LoadPairings(cfg.PairingsPath())
		}}, log)
	restored, unknown, err := p.restored(ctx, cfg, version)
	if err != nil {
		return err
	}
	all, err := p.vault.Older(ctx, p.witness, p.journal, p.pins, p.keys.Own, restored)
	if err != nil {
		return err
	}
	marks, older, err := p.changes(ctx)
	if err != nil {
		return err
	}
	older = slices.Concat(all, older, unknown)
	err = p.trail.Start(ctx, enrolment.Machine{Settings: cfg.Settings(), Models: files.Versions(p.set),
		Program: version, Seen: cfg.SettingsSeenPath(), Older: older}, t.Raised())
	if errors.Is(err, enrolment.ErrAlarmGone) {
		t.again()
		return errReopen
	}
	if found := (*witness.OlderError)(nil); errors.As(err, &found) {
		return errors.Join(err, witness.Tell(cfg.Paths.DataDir, found.Found, time.Now()))
	}
	if err == nil {
		err = errors.Join(witness.Tell(cfg.Paths.DataDir, nil, time.Time{}), p.witness.Reset(marks, older))
	}
	if err == nil && restored {
		err = p.settle(ctx, cfg.Paths.DataDir, len(unknown) == 0)
	}
	if err == nil {
		err = p.vault.SettlePINs(ctx, p.pins, p.witness)
	}
	if err != nil {
		return err
	}
	return p.tellPINs(ctx)
}

// settle ends that the data came out of a backup; asked is whether the cloud has said that it lacks nothing
// of them, and not a person, whose word is a fact already.
func (p *parts) settle(ctx context.Context, dataDir string, asked bool) error {
	if asked {
		fact := journal.Audit{What: journal.DataReconciled, Keys: "restored",
			Why: "a backup; the cloud has no more"}
		if err := p.trail.Note(ctx, fact); err != nil {
			return err
		}
	}
	return backup.Settled(dataDir)
}

// restored asks the cloud, where the data came out of a backup, whether it has more of this terminal.
func (p *parts) restored(
	ctx context.Context, cfg config.Config, version string,
) (is bool, unknown []witness.Finding, err error) {
	r, is, err := backup.ReadRestored(cfg.Paths.DataDir)
	if err != nil || !is {
		return is, nil, err
	}
	p.log.Info("restored from a backup: the cloud is asked what it has", "made", r.Made)
	err = reporting.Ask(ctx, cfg, version, p.journal, p.keys, p.log)
	if errors.Is(err, reporting.ErrSilent) {
		return is, []witness.Finding{{Store: "restored", What: "this is the backup of " +
			r.Made.Local().Format("2006-01-02 15:04") + ", and nothing tells whether payments were taken since"}}, nil
	}
	return is, nil, err
}

// changes gives how far the stores are that count their changes, which have the witness told of more from now
// on, and which of them are older than they were seen.
func (p *parts) changes(ctx context.Context) (map[string]witness.Mark, []witness.Finding, error) {
	count, err := p.pins.Changes(ctx)
	if err != nil {
		return nil, nil, err
	}
	p.pins.OnChange(func(n int64) error { return p.witness.Saw(witness.PINs, witness.Mark{Count: n}) })
	marks := map[string]witness.Mark{witness.PINs: {Count: count}}
	older := p.witness.Behind(witness.PINs, "the PINs", count)
	if p.records == nil {
		return marks, older, nil
	}
	if count, err = p.records.Changes(ctx); err != nil {
		return nil, nil, err
	}
	p.records.OnChange(func(n int64) { p.witness.Note(witness.Records, witness.Mark{Count: n}) })
	marks[witness.Records] = witness.Mark{Count: count}
	return marks, append(older, p.witness.Behind(witness.Records, "the registers' records", count)...), nil
}

// openEngine makes the engine, which goes on with what a vending machine had in hand. refused and failure are
// what before gave.
func (p *parts) openEngine(
	ctx context.Context, cfg config.Config, alarm func() error, refused int, failure time.Time,
) error {
	vend, err := p.openVend(ctx, cfg.Vending.Port != "")
	if err != nil {
		return err
	}
	p.engine = payment.NewEngine(p.journal, payment.Options{
		Timeout: cfg.Payment.Timeout, PINTimeout: cfg.PIN.Timeout, Policy: p.policy, PINs: p.pins,
		Blocked:     p.pins.Blocked,
		TimeTrusted: journal.ClockSet, Alarm: alarm, Log: p.log.With("room", "payment"),
		FailedTries: refused, LivenessFailed: failure, Vending: vend,
	})
	return nil
}

// readPolicy reads when a face is not enough, and how late the screen's light is seen.
func (p *parts) readPolicy(cfg config.Config) (err error) {
	if p.policy, err = cfg.Policy(); err != nil {
		return err
	}
	delay, unread := light.ReadDelay(cfg.DelayPath())
	if p.delay.Store(&delay); unread != nil {
		p.log.Warn("no light can be played", "err", unread, "hint", payment.HintOf(unread))
	}
	p.warnLimits()
	return nil
}

// delayNow is how late the customer's screen is seen, as it was measured last with the camera in use.
func (p *parts) delayNow() light.Delay { return p.delay.Load().With(p.eyes.lens.Now()) }

// before is what a restart must not forget: faces that were refused, and when it was last not sure that a
// person stood there.
func (p *parts) before(ctx context.Context) (refused int, failure time.Time, err error) {
	if refused, err = p.journal.FailedTries(ctx); err != nil {
		return 0, time.Time{}, err
	}
	ago, failed, err := p.journal.LivenessFailed(ctx)
	if failed {
		failure = time.Now().Add(-ago)
	}
	return refused, failure, err
}

// tellPINs has the journal know the PINs, and who has a role by one.
func (p *parts) tellPINs(ctx context.Context) error {
	if err := enrolment.RemoveOrphans(ctx, p.gallery, p.pins); err != nil {
		p.log.Error("PINs of removed customers stay until the disk can be written", "err", err)
	}
	marks, err := p.pins.Marks(ctx)
	if err != nil {
		return err
	}
	roles, err := p.pins.Clerks(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.trail.PINs(ctx, marks), p.trail.Clerks(ctx, roles), p.trail.Blocks(ctx, p.pins))
}

// probePINs learns whether PINs can be written, and removes those that a removal had to leave.
func (p *parts) probePINs(ctx context.Context) error {
	if err := p.pins.Probe(ctx); err != nil {
		return err
	}
	return enrolment.RemoveOrphans(ctx, p.gallery, p.pins)
}

// recover ends a payment that was open when the terminal stopped.
func (p *parts) recover(ctx context.Context) error {
	expired, err := p.journal.Recover(ctx, time.Now(), journal.ClockSet())
	if expired > 0 {
		p.log.Warn("a payment was open when the terminal stopped: it is expired, nothing was charged",
			"payments", expired)
	}
	return err
}

func (p *parts) openReporter(cfg config.Config, version string, trouble ...func() string) (err error) {
	p.reporter, err = reporting.Open(cfg, version, p.journal, p.keys,
		reporting.Options{Trouble: trouble, Behind: p.behind, Log: p.log})
	return err
}

// behind ends the work with a journal that lacks what the cloud has acknowledged. Opened anew, it is refused
// until a person has put the right one back, or said that there is none.
func (p *parts) behind(a report.Ack) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := p.journal.Behind(ctx, a.ID, a.Hash, a.Seq)
	p.log.Error("no payment is taken any more", "err", err, "hint", payment.HintOf(err))
	words := err.Error()
	p.lacking.Store(&words) // the cloud reads it in the farewell
	if err := p.engine.SetOutOfOrder(ctx, words, true); err != nil {
		p.log.Error("tell the engine about the journal", "err", err)
	}
	p.stop(errReopen)
}

// lacks is what the journal lacks, in words; "" for nothing.
func (p *parts) lacks() string {
	if words := p.lacking.Load(); words != nil {
		return *words
	}
	return ""
}

// close closes in the reverse order of opening.
func (p *parts) close() {
	if p.frames != nil {
		p.closers = append(p.closers, p.frames.Close)
	}
	for i := len(p.closers) - 1; i >= 0; i-- {
		if err := p.closers[i](); err != nil {
			p.log.Error("close", "err", err)
		}
	}
	p.closers = nil
}

// openJournal opens the journal with what its facts say of this terminal: its name and the models that
// recognise. One that lacks what this terminal has written is refused.
func (p *parts) openJournal(ctx context.Context, cfg config.Config, version string) (err error) {
	var owed int64
	if strings.Trim(cfg.Payment.UnreportedMax, "0.") != "" {
		limit, err := payment.ParseDecimal(cfg.Payment.UnreportedMax, cfg.Terminal.Currency)
		if err != nil {
			return fmt.Errorf("payment.unreported_max: %w", err)
		}
		owed = limit.Minor
	}
	p.journal, err = journal.Open(ctx, cfg.JournalPath(), journal.Options{
		Tenant: cfg.Terminal.Tenant, Site: cfg.Terminal.Site, Terminal: cfg.Terminal.ID,
		Models: files.Versions(p.set), Log: p.log.With("room", "journal"),
		Program: "smiletill " + version,
		OwedMax: owed, UnreportedMax: cfg.Payment.UnreportedAge, OnFailure: p.disk.Told(journalFile),
		OnFact: func(id, hash string, seq int64) {
			p.witness.Note(witness.Journal, witness.Mark{Count: seq, ID: id, Hash: hash})
		},
	})
	if err != nil {
		return err
	}
	p.closers = append(p.closers, p.journal.Close)
	if m, ok := p.witness.Mark(witness.Journal); ok {
		return p.journal.Written(ctx, m.ID, m.Hash, m.Count)
	}
	return nil
}
