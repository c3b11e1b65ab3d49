package trial

import (
	"fmt"
	"io"
	"os"
)

const compiledMax = 256 << 20 // bytes, as a manifest allows

// ReadCompiled reads a model that was compiled for an accelerator, up to 256 MB, from a file; - is stdin.
func ReadCompiled(name string, stdin io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the compiled model: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	data, err := io.ReadAll(io.LimitReader(stdin, compiledMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the compiled model: %w", err)
	case len(data) > compiledMax:
		return nil, fmt.Errorf("read the compiled model: larger than %d MB", compiledMax>>20)
	}
	return data, nil
}
