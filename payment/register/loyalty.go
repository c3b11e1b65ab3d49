package register

import "strings"

// digits are those by which the search for the customer's face is narrowed: of a loyalty account whose
// IdentificationType is PhoneNumber the last four, of an AccountNumber all. It is the one place where the
// protocol lets a Payment say who the customer is, before the customer has shown anything. "" if there are
// none: what else a register sends of loyalty is not for this terminal.
func (p *PaymentRequest) digits() string {
	for _, l := range p.Loyalty {
		switch a := l.Account; a.Type {
		case "PhoneNumber":
			number := strings.Map(func(c rune) rune {
				if strings.ContainsRune(" -/().+", c) {
					return -1
				}
				return c
			}, a.ID)
			if len(number) >= phoneMin && onlyDigits(number) {
				return number[len(number)-phoneDigits:]
			}
		case "AccountNumber":
			if len(a.ID) >= accountMin && len(a.ID) <= accountMax && onlyDigits(a.ID) {
				return a.ID
			}
		}
	}
	return ""
}

const (
	phoneDigits = 4 // of a phone number
	// phoneMin is what a number has at least, of which four are the last: who sends less sends the four.
	phoneMin               = 4
	accountMin, accountMax = 3, 12 // digits of a customer's number
)

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
