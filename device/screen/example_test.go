package screen_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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
