package cli

import (
	_ "embed"
)

// noticesText names what is built in or shipped beside the binary, with its licence.
//
//go:embed NOTICES.md
var noticesText string
