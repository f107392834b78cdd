// Package wholefile writes files that are there whole or not at all: readers,
// and whoever comes after a kill, see the file as it was before or as it is
// afterwards.
//
// It does not lock: of two writers, the later one's file stays.
package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Writer says how files are written. The zero value writes the temporary file
// beside the file itself.
type Writer struct {
	TempDir string // where the temporary file is; on the file system of the file itself
	Prefix  string // how the temporary file's name begins, for those who clean up after a kill; "" is ".plinth-"
	Sync    bool   // wait until the disk has the content
}

// Bytes writes data to path with mode 0644. An error leaves the file that was there.
func Bytes(path string, data []byte) error { return Writer{}.Bytes(path, data) }

// Bytes writes data to path with mode 0644. An error leaves the file that was there.
func (w Writer) Bytes(path string, data []byte) error {
	return w.Stream(path, func(to io.Writer) error {
		_, err := to.Write(data)
		return err
	})
}

// Stream writes what the function writes to path with mode 0644. An error, also
// the function's own, leaves the file that was there.
func (w Writer) Stream(path string, write func(io.Writer) error) error {
	dir, prefix := w.TempDir, w.Prefix
	if dir == "" {
		dir = filepath.Dir(path)
	}
	if prefix == "" {
		prefix = ".plinth-"
	}
	tmp, err := os.CreateTemp(dir, prefix)
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	err = errors.Join(write(tmp), tmp.Chmod(0o644))
	if w.Sync {
		err = errors.Join(err, tmp.Sync())
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
