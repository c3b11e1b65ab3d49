package control

import "smiletill/cmd/smiletill/people"

// Route is what can be asked for, and what one has to be allowed for it.
type Route struct {
	Pattern string
	Act     people.Act
}

// Routes lists all that the socket answers.
func Routes(d Doors) (all []Route) {
	for _, r := range routes(d) {
		all = append(all, Route{r.pattern, r.act})
	}
	return all
}
