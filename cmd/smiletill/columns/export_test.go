package columns

// Width is how many columns a text takes.
func Width(text string) int { return width(text) }
