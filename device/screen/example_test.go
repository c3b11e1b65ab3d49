package screen_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"smiletill/device/screen"
)

// A terminal serves its screen and shows what happens.
func Example() {
	s, err := screen.New(screen.Options{})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	// In a terminal: s.ListenAndServe(ctx, "127.0.0.1:8080"), in a goroutine of its own.
	web := httptest.NewServer(s)
	defer web.Close()

	health := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/healthz", nil)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println("error:", err)
			return
		}
		defer res.Body.Close()
		fmt.Println(res.StatusCode)
	}
	health() // before the first View
	s.Show(screen.View{
		State: screen.LookHere, Amount: "12.50", Currency: "EUR",
		Instruction: screen.StepCloser, Deadline: time.Now().Add(30 * time.Second),
	})
	health()
	// Output:
	// 503
	// 200
}

// watcher hears what became of a light.
type watcher struct{}

func (watcher) Lit(_ context.Context, s screen.Shown) {
	if s.Why == screen.WhyDeclined {
		fmt.Println("ask for the PIN")
	}
}

// A terminal has colours played while the smile is asked for, and takes no for an answer.
func ExampleLights() {
	s, err := screen.New(screen.Options{Lights: watcher{}})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	hues := screen.Palette()
	code := []screen.Colour{hues[3], hues[0], hues[5], hues[1], hues[4], hues[2]}
	s.Show(screen.View{State: screen.Smile, Instruction: screen.SmileInLight, LightOffer: true,
		Light: &screen.Light{ID: "1f0c", Colours: code, Slot: 200 * time.Millisecond}})

	// The customer presses "Without colours" on the page, which posts the number of what it was offered.
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/light",
		strings.NewReader(`{"page":"p","offer":1,"why":"declined"}`))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	s.ServeHTTP(httptest.NewRecorder(), r)
	s.Show(screen.View{State: screen.Declined, Reason: screen.NotSure}) // where there is no PIN
	// Output:
	// ask for the PIN
}
