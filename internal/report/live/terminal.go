package live

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Terminal is a file that is a terminal.
type Terminal struct{ *os.File }

// Open says whether w is a terminal.
func Open(w io.Writer) (Terminal, bool) {
	f, ok := w.(*os.File)
	if !ok {
		return Terminal{}, false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return Terminal{f}, err == nil
}

// Size is the width and height in characters. A terminal that does not know
// its size, as a serial line, is taken for 80 by 24.
func (t Terminal) Size() (cols, rows int) {
	size, err := unix.IoctlGetWinsize(int(t.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 || size.Row == 0 {
		return 80, 24
	}
	return int(size.Col), int(size.Row)
}

// Foreground says whether this process is the one that the terminal's user
// talks to, not a job in the background. Without job control it is.
func (t Terminal) Foreground() bool {
	group, err := unix.IoctlGetInt(int(t.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
