package vision

// Visit TODO
type Visit struct{}
