package payment

// Who did something, as far as the terminal knows. It goes into facts, and with them to the cloud: no more of
// a person than the name that the shop, or the machine, knows them by. The zero value is nobody known.
type Who struct {
	// Role is what it was done as: owner, technician, clerk, customer or register.
	Role string `json:"role,omitempty"`
	// Name is a clerk's or a Unix user's name, a register's key, a customer's pseudonym; it may be empty.
	Name string `json:"name,omitempty"`
	// Door is how that is known: socket (the kernel says whose process it is), page (by a PIN), screen (by
	// the face), register (by the key), command (who had logged in, or the user, where files were changed).
	Door string `json:"door,omitempty"`
}

// String says it in words; "" of nobody known.
func (w Who) String() string {
	text := w.Role
	if w.Name != "" {
		text += " " + w.Name
	}
	if w.Door != "" {
		text += " (" + w.Door + ")"
	}
	return text
}
