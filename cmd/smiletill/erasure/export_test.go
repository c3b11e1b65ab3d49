package erasure

// Cut has an erasure call cut before each step that changes the disk.
func (o Order) Cut(cut func(step string) error) Order {
	o.cut = cut
	return o
}
