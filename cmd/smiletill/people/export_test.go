package people

// Acts gives all acts.
func Acts() []Act { return acts() }

// ErrNoRole is of a word that is no role.
var ErrNoRole = errNoRole
