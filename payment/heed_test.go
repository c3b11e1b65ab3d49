package payment

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// TestEngineHeedsLate: an engine that is busy for longer than anybody waits learns each change all the same,
// and of several the last.
func TestEngineHeedsLate(t *testing.T) {
	inBubble(t, func(b *bench) {
		var wrong, asked [2]atomic.Bool
		causes := [...]string{"camera", "storage"}
		tell := func(i int, on bool) error {
			wrong[i].Store(on)
			ctx, cancel := context.WithTimeout(b.Context(), 2*time.Second)
			defer cancel()
			return b.Heed(ctx, causes[i], func() bool { asked[i].Store(true); return wrong[i].Load() })
		}
		stand := func(want ...string) {
			t.Helper()
			s, err := b.Status(b.Context())
			if err != nil || len(s.OutOfOrder) != len(want) || len(want) > 0 && s.OutOfOrder[0] != want[0] {
				t.Fatalf("%v, %v; want %v", s.OutOfOrder, err, want)
			}
		}
		busy := func(work func()) {
			t.Helper()
			done := make(chan error)
			go func() {
				_, err := ask(b.Context(), b.Engine, func(*desk) (struct{}, error) {
					time.Sleep(30 * time.Second) // a commit on a slow disk
					return struct{}{}, nil
				})
				done <- err
			}()
			time.Sleep(time.Second)
			work()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		for i := range causes {
			if err := tell(i, true); err != nil {
				t.Fatal(err)
			}
		}
		stand("camera", "storage")
		busy(func() {
			for i := range causes {
				b.wantErr(tell(i, false), context.DeadlineExceeded)
			}
		})
		stand()
		b.begin("a")
		busy(func() {
			for _, on := range []bool{true, false, true, false} {
				b.wantErr(tell(0, on), context.DeadlineExceeded)
			}
			b.wantErr(tell(1, true), context.DeadlineExceeded)
		})
		stand("storage")
		b.want("a", StateCancelled, ReasonDeviceFailed)
		asked[0].Store(false)
		b.stop()
		<-b.stopped
		b.wantErr(tell(0, true), ErrStopped)
		if asked[0].Load() {
			t.Error("asked after the engine's end")
		}
	})
}

// What is done between two payments is done while none runs, and none begins before it is done.
func TestBetweenTwoPayments(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		did := false
		var busy *BusyError
		err := b.Between(b.Context(), func() error { did = true; return nil })
		if b.wantErr(err, ErrBusy); did || !errors.As(err, &busy) || busy.Running != "a" {
			t.Errorf("it was done in the middle of a payment: %v, %v", did, err)
		}
		if _, err := b.Cancel(b.Context(), "a", ByOperator); err != nil {
			t.Fatal(err)
		}
		began, inside := make(chan error, 1), make(chan struct{})
		go func() {
			<-inside
			_, err := b.Begin(b.Context(), euro("b"))
			began <- err
		}()
		if err := b.Between(b.Context(), func() error {
			close(inside)
			time.Sleep(time.Second)
			select {
			case err := <-began:
				t.Errorf("a payment began meanwhile: %v", err)
			default:
			}
			return errDisk
		}); !errors.Is(err, errDisk) {
			t.Errorf("its error is lost: %v", err)
		}
		if err := <-began; err != nil {
			t.Errorf("the payment that waited: %v", err)
		}
	})
}
