package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

// A process that writes holds STATE/lock. It is an flock, so the kernel lets go
// of it when the process dies, however it dies; the file's content only says
// who has it. The file is removed on release while it is still held, and
// whoever takes it checks that the file it locked is the one that has the name:
// otherwise two processes could hold the lock of two files.

// Holder is who has the lock.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// Lock is a held lock.
type Lock struct {
	file *os.File
	// Stale: the file was there although nobody held it, so the last holder was
	// killed and may have left things behind.
	Stale bool
}

// Acquire takes the lock of the state folder for command, without waiting.
// When another process has it, the error says which.
func Acquire(stateDir, command string) (*Lock, error) {
	if err := os.MkdirAll(stateDir, 0o755); err != nil {
		return nil, unwritable(diag.Errorf(diag.Position{}, "cannot make the state folder: %w", err))
	}
	path := filepath.Join(stateDir, "lock")
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o644)
		if err != nil {
			return nil, unwritable(diag.Errorf(diag.Position{}, "cannot lock the state folder: %w", err))
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			defer f.Close()
			return nil, busy(stateDir, f)
		}
		if err != nil {
			f.Close()
			return nil, diag.Errorf(diag.Position{}, "cannot lock %s: %w", path, err)
		}
		if !sameFile(f, path) {
			f.Close()
			continue
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, diag.Errorf(diag.Position{}, "cannot lock %s: %w", path, err)
		}
		data, err := json.Marshal(Holder{PID: os.Getpid(), Command: command, Since: time.Now().UTC().Truncate(time.Second)})
		if err == nil {
			err = errors.Join(f.Truncate(0), writeAt(f, data))
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) { // plinth prune must run on a full disk: then nobody reads who has it
			f.Close()
			return nil, diag.Errorf(diag.Position{}, "cannot lock %s: %w", path, err)
		}
		return &Lock{file: f, Stale: info.Size() > 0}, nil
	}
}

func unwritable(e *diag.Error) *diag.Error {
	return e.Hint("run plinth as root, or name a folder that you may write to with --state-dir")
}

func writeAt(f *os.File, data []byte) error {
	_, err := f.WriteAt(append(data, '\n'), 0)
	return err
}

func sameFile(f *os.File, path string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

func busy(stateDir string, f *os.File) error {
	who := "another plinth"
	var h Holder
	if data, err := io.ReadAll(io.NewSectionReader(f, 0, 4096)); err == nil && json.Unmarshal(data, &h) == nil && h.PID > 0 {
		who = fmt.Sprintf("%q (process %d, since %s)", h.Command, h.PID, h.Since.Local().Format("15:04:05"))
	}
	return diag.Errorf(diag.Position{}, "cannot start: %s is using %s", who, stateDir).
		Hint("wait until it has ended, or give this run its own state with --state-dir")
}

// Release gives the lock back and removes its file.
func (l *Lock) Release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}
