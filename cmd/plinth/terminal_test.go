package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/engine/enginetest"
)

// terminal is plinth on a pseudo terminal of its own.
type terminal struct {
	*testing.T
	master, slave *os.File
	cmd           *exec.Cmd
	modes         unix.Termios

	mu  sync.Mutex
	out bytes.Buffer
}

// startTerminal starts plinth with args in dir, on a terminal of 80 by 24.
func startTerminal(t *testing.T, dir string, env []string, args ...string) *terminal {
	t.Helper()
	term := &terminal{T: t}
	var err error
	if term.master, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.master.Close() })
	number, err := unix.IoctlGetInt(int(term.master.Fd()), unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(int(term.master.Fd()), unix.TIOCSPTLCK, 0))
	if err != nil {
		t.Fatal(err)
	}
	if term.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.slave.Close() })
	term.resize(80, 24)
	term.modes = term.termios()
	// a shell holds the terminal, which is hung up when the session's first process ends
	const script = `trap : INT; plinth "$@"; echo "<code $?>"; read end`
	term.cmd = exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	term.cmd.Dir = dir
	term.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm"}, env...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = term.slave, term.slave, term.slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		_ = term.cmd.Wait()
	})
	go term.read()
	return term
}

func (t *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := t.master.Read(buf)
		t.mu.Lock()
		t.out.Write(buf[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(t.out.String(), "\r\n", "\n")
}

func (t *terminal) resize(cols, rows uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(t.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows}); err != nil {
		t.Fatal(err)
	}
}

func (t *terminal) termios() unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

// await waits until pattern is printed after the first from bytes.
func (t *terminal) await(from int, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for began := time.Now(); !re.MatchString(t.String()[from:]); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%s does not come:\n%q", pattern, t.String()[from:])
		}
	}
}

// end waits for the end of the process, returns what it printed, and checks
// its code and that it left the terminal as it was.
func (t *terminal) end(code int) string {
	t.Helper()
	t.await(0, `<code \d+>\n$`)
	out, ok := strings.CutSuffix(t.String(), fmt.Sprintf("<code %d>\n", code))
	if !ok {
		t.Errorf("the end is %q, want code %d", out, code)
	}
	if t.termios() != t.modes {
		t.Errorf("the terminal is in another mode")
	}
	// neither the cursor nor the screen was changed, and the last frame is whole
	for _, never := range []string{"\x1b[?25", "\x1b[?1049", "\x1b[?1047", "\x1b[?47"} {
		if strings.Contains(out, never) {
			t.Errorf("it printed %q", never)
		}
	}
	if strings.Count(out, "\x1b[?2026h") != strings.Count(out, "\x1b[?2026l") {
		t.Errorf("a frame has no end: %q", out)
	}
	return out
}

func terminalCatalog(t *testing.T, sleep string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plinth.yaml":     "registry: registry.acme.example/base\n",
		"base/Dockerfile": "FROM scratch\nCOPY sh /bin/sh\n",
		"slow/Dockerfile": "FROM base\nRUN sleep " + sleep + "\n",
		"base/sh":         string(enginetest.Shell(t)),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuildOnATerminal(t *testing.T) {
	t.Parallel()
	dir := terminalCatalog(t, "1")
	term := startTerminal(t, dir, []string{"NO_COLOR=1"}, "build", "-j", "1")
	term.await(0, `\x1b\[[12]A\S slow +\d+s  \[2/2\] RUN sleep 1  ← never built here\x1b\[K\n1/2 done, 1 running, 0 waiting, 0 failed, \d+s\x1b\[K\n`)
	before := len(term.String())
	term.resize(30, 24)
	term.await(before, `\S slow +\d+s  \[2/2\] RUN sl…\x1b\[K\n1/2 done, 1 running, \d+s\x1b\[K\n`)
	term.resize(80, 24)
	out := term.end(0)
	want := regexp.MustCompile(`(?s)✓ base built in \S+  ← never built here\n.*✓ slow built in \S+  ← never built here\n.*` +
		`\nTARGET  RESULT +TIME +SIZE  WHY\nbase    ✓ built +\S+  [\d.]+ [kM]B  never built here\nslow    ✓ built .*\n\n` +
		`2 targets: 2 built in \S+\nCPU time \S+, critical path \S+: base → slow\n$`)
	if !want.MatchString(out) {
		t.Errorf("it printed %q", out)
	}
	if regexp.MustCompile(`\x1b\[[\d;]*m`).MatchString(out) {
		t.Errorf("colours in %q", out)
	}

	coloured := startTerminal(t, dir, nil, "build", "--no-cache", "slow").end(0)
	if !strings.Contains(coloured, "\x1b[32m✓\x1b[0m \x1b[1mslow\x1b[0m ") {
		t.Errorf("no colours in %q", coloured)
	}
	for _, env := range []string{"TERM=dumb", "CI=true"} {
		plain := startTerminal(t, dir, []string{env}, "build", "--no-cache", "base").end(0)
		if strings.Contains(plain, "\x1b") || !strings.HasPrefix(plain, "[base] build: asked for with --no-cache\n") {
			t.Errorf("%s: it printed %q", env, plain)
		}
	}
	forced := startTerminal(t, dir, []string{"CI=true", "PLINTH_PROGRESS=tty"}, "build", "--no-cache", "base").end(0)
	if !strings.Contains(forced, "\x1b[?2026h") {
		t.Errorf("--progress tty prints %q", forced)
	}
}

func TestCtrlCOnATerminal(t *testing.T) {
	t.Parallel()
	term := startTerminal(t, terminalCatalog(t, "60"), []string{"NO_COLOR=1"}, "build")
	term.await(0, `RUN sleep 60`)
	if _, err := term.master.WriteString("\x03"); err != nil { // as the key does
		t.Fatal(err)
	}
	out := term.end(130)
	want := regexp.MustCompile(`(?s)\x1b\[J■ slow cancelled  ← never built here\n.*\nslow    ■ cancelled +- +-\n.*\n` +
		`error: interrupted; what is finished is kept, the next run goes on from there\n$`)
	if !want.MatchString(out) {
		t.Errorf("it printed %q", out)
	}
}
