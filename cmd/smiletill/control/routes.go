package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

// route is what is asked for, and what one has to be allowed for it.
type route struct {
	pattern string
	act     people.Act
	answer  http.HandlerFunc
}

func handler(d Doors) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes(d) {
		mux.HandleFunc(r.pattern, allowed(r.act, r.answer))
	}
	return mux
}

func routes(d Doors) []route {
	return slices.Concat(tillRoutes(d), customerRoutes(d), clerkRoutes(d), serviceRoutes(d))
}

// allowed asks who is at the socket, and lets those go on whose role does.
func allowed(a people.Act, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := people.Asking(r.Context()).As(a)
		if err != nil {
			if len(people.Asking(r.Context()).Roles) == 0 { // a user who has no business here holds no connection
				w.Header().Set("Connection", "close")
			}
			refuse(w, err)
			return
		}
		next(w, r.WithContext(people.With(r.Context(), who)))
	}
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusOf(err))
	// A caller who left needs no answer.
	_ = json.NewEncoder(w).Encode(errorReply{err.Error(), payment.HintOf(err)})
}

func tillRoutes(d Doors) []route {
	all := []route{
		{"POST /v1/payments", people.Pay, answer(func(r *http.Request, q PaymentRequest) (Payment, error) {
			return d.Till.Begin(r.Context(), q)
		})},
		{"GET /v1/payments/{id}", people.Pay, answer(func(r *http.Request, _ nothing) (Payment, error) {
			long, err := time.ParseDuration(r.URL.Query().Get("for"))
			if err != nil || long < 0 || long > waitMax {
				return Payment{}, fmt.Errorf("wait: ?for= must be a duration up to %v", waitMax)
			}
			return d.Till.Wait(r.Context(), r.PathValue("id"), long)
		})},
		{"POST /v1/payments/{id}/cancel", people.Pay, answer(func(r *http.Request, _ nothing) (Payment, error) {
			by := payment.By(r.URL.Query().Get("by"))
			if by == "" {
				by = payment.ByOperator
			}
			return d.Till.Cancel(r.Context(), r.PathValue("id"), by)
		})},
		{"POST /v1/payments/{id}/pin", people.Pay, answer(func(r *http.Request, q pinRequest) (Payment, error) {
			return d.PINs.EnterPIN(r.Context(), r.PathValue("id"), q.PIN)
		})},
		{"POST /v1/reversals", people.GiveBack, answer(func(r *http.Request, q ReversalRequest) (Reversal, error) {
			return d.Back.Reverse(r.Context(), q)
		})},
	}
	if d.Register != nil {
		all = append(all, route{"/nexo", people.SendAsRegister, d.Register.ServeHTTP})
	}
	return all
}

func customerRoutes(d Doors) []route {
	one := make(chan struct{}, 1) // enrolment at a time is read: the photos of many would fill the memory
	return []route{
		{"GET /v1/customers", people.SeeCustomers, answer(func(r *http.Request, _ nothing) ([]Customer, error) {
			return d.People.Customers(r.Context())
		})},
		{"POST /v1/customers", people.Enrol, func(w http.ResponseWriter, r *http.Request) {
			select {
			case one <- struct{}{}:
				defer func() { <-one }()
				enrol(w, r, d.People)
			case <-r.Context().Done():
			}
		}},
		{"DELETE /v1/customers/{id}", people.Remove, answer(func(r *http.Request, _ nothing) (nothing, error) {
			return nothing{}, d.People.Remove(r.Context(), r.PathValue("id"))
		})},
		{"POST /v1/customers/{id}/forget", people.Remove, answer(func(r *http.Request, _ nothing) (Receipt, error) {
			return d.People.Forget(r.Context(), r.PathValue("id"))
		})},
		{"GET /v1/customers/{id}", people.SeeCustomers, answer(func(r *http.Request, _ nothing) (Extract, error) {
			return d.People.Extract(r.Context(), r.PathValue("id"), r.URL.Query().Get("faces") == "1")
		})},
		{"PUT /v1/customers/{id}/agreed", people.Enrol, answer(func(r *http.Request, q Agreed) (nothing, error) {
			return nothing{}, d.People.Agree(r.Context(), r.PathValue("id"), q)
		})},
		{"POST /v1/customers/{id}/vouch", people.Vouch, answer(func(r *http.Request, q vouching) (nothing, error) {
			return nothing{}, d.People.Vouch(r.Context(), r.PathValue("id"), q.Name, q.PIN)
		})},
		{"PUT /v1/customers/{id}/blocked", people.Block, answer(func(r *http.Request, q blocking) (nothing, error) {
			return nothing{}, d.People.Block(r.Context(), r.PathValue("id"), q.Blocked, q.Why)
		})},
		{"GET /v1/texts", people.SeeStatus, answer(func(r *http.Request, _ nothing) ([]people.Text, error) {
			return d.People.Texts(r.Context())
		})},
		{"PUT /v1/customers/{id}/pin", people.SetPIN, answer(func(r *http.Request, q pinRequest) (nothing, error) {
			return nothing{}, d.PINs.SetPIN(r.Context(), r.PathValue("id"), q.PIN)
		})},
	}
}

func clerkRoutes(d Doors) []route {
	setPIN := answer(func(r *http.Request, q pinRequest) (nothing, error) {
		return nothing{}, d.Clerks.SetClerkPIN(r.Context(), r.PathValue("name"), q.PIN)
	})
	return []route{
		{"PUT /v1/counter/pin", people.ManageClerks, setPIN},
		{"GET /v1/clerks", people.ManageClerks, answer(func(r *http.Request, _ nothing) ([]Clerk, error) {
			return d.Clerks.Clerks(r.Context())
		})},
		{"PUT /v1/clerks/{name}", people.ManageClerks, answer(func(r *http.Request, q Clerk) (nothing, error) {
			q.Name = r.PathValue("name")
			return nothing{}, d.Clerks.AddClerk(r.Context(), q)
		})},
		{"DELETE /v1/clerks/{name}", people.ManageClerks, answer(func(r *http.Request, _ nothing) (nothing, error) {
			return nothing{}, d.Clerks.RemoveClerk(r.Context(), r.PathValue("name"))
		})},
		{"PUT /v1/clerks/{name}/pin", people.ManageClerks, setPIN},
	}
}

func serviceRoutes(d Doors) []route {
	return []route{
		{"GET /v1/status", people.SeeStatus, answer(func(r *http.Request, _ nothing) (Status, error) {
			return d.Service.Status(r.Context())
		})},
		{"POST /v1/screen/calibrate", people.Serve, calibrate(d.Service)},
		{"POST /v1/update/hold", people.Serve, hold(d.Service)},
		{"POST /v1/models/reload", people.Serve, answer(func(r *http.Request, _ nothing) (nothing, error) {
			return nothing{}, d.Service.Reload(r.Context())
		})},
		{"POST /v1/reports/{seq}/unpark", people.Serve, answer(func(r *http.Request, _ nothing) (nothing, error) {
			seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
			if err != nil {
				return nothing{}, fmt.Errorf("unpark: %q is no number", r.PathValue("seq"))
			}
			return nothing{}, d.Back.Unpark(r.Context(), seq)
		})},
		{"POST /v1/registers/read", people.PairRegisters, answer(func(r *http.Request, _ nothing) (nothing, error) {
			return nothing{}, d.Service.Registers(r.Context())
		})},
		{"POST /v1/tamper/reset", people.EndAlarm, answer(func(r *http.Request, _ nothing) (nothing, error) {
			return nothing{}, d.Service.ResetTamper(r.Context())
		})},
	}
}
