package main

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something that has to come.
const patience = time.Minute

// volatile is what differs from run to run, and what stands for it in scripts.
var volatile = []struct {
	pattern *regexp.Regexp
	word    string
}{
	{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`signed by [0-9A-F]{16}\b`), "signed by KEYID"},
	{regexp.MustCompile(`sha256:[0-9a-f]{12}\b`), "sha256:SHORT"},
	{regexp.MustCompile(`moved to [0-9a-f]{12}\b`), "moved to SHORT"},
	{regexp.MustCompile(`\(process \d+, since \d\d:\d\d:\d\d\)`), "(process PID, since TIME)"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "DATE"},
	{regexp.MustCompile(`\.plinth\.lock\.\d+`), ".plinth.lock.NUMBER"},
	{regexp.MustCompile(`/(json|blob|deb)-\d+`), "/$1-NUMBER"},
	{regexp.MustCompile(`\d{4}-W\d\d`), "WEEK"},
	{regexp.MustCompile(`\b(\d+ms|\d+\.\ds|\d+m\d\ds)\b`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d)? (B|kB|MB)\b`), "SIZE"},
	// columns are as wide as what is in them
	{regexp.MustCompile(`(\S) {2,}`), "$1  "},
}

// command makes the program of a script's command. A last argument <FILE is its standard input.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	args = slices.Clone(args)
	var input []byte
	if name, ok := strings.CutPrefix(args[len(args)-1], "<"); ok {
		input, args = []byte(ts.ReadFile(name)), args[:len(args)-1]
	}
	for i := range args {
		args[i] = worldOf(ts).addresses(args[i])
	}
	path := args[0]
	if !strings.Contains(path, "/") {
		var err error
		path, err = exec.LookPath(path)
		ts.Check(err)
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	cmd.Stdin = bytes.NewReader(input)
	return cmd
}

// environ is the script's environment: testscript gives it away by name only.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "PLINTH_STATE", "SOURCE_DATE_EPOCH",
		"PLINTH_JOBS", "PLINTH_FORMAT", "PLINTH_KEEP_GOING", "PLINTH_SET", "TOKEN", "HADOLINT_FAILURE_THRESHOLD"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "PWD="+ts.MkAbs("."))
}

// exitCode is a program's code as a shell gives it: 128 and the signal's number for a killed one.
func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		ts.Fatalf("%v", err)
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signal() > 0 {
		return 128 + int(s.Signal())
	}
	return exit.ExitCode()
}

// conclude hands the outputs to the script and checks the code.
func conclude(ts *testscript.TestScript, want string, err error, stdout, stderr string) {
	w := worldOf(ts)
	_, werr := ts.Stdout().Write([]byte(w.normal(stdout)))
	ts.Check(werr)
	_, werr = ts.Stderr().Write([]byte(w.normal(stderr)))
	ts.Check(werr)
	if got := strconv.Itoa(exitCode(ts, err)); got != want {
		ts.Fatalf("exit code %s, want %s\nstdout:\n%s\nstderr:\n%s", got, want, stdout, stderr)
	}
}

// cmdPlinth: plinth ARG…
func cmdPlinth(ts *testscript.TestScript, _ bool, args []string) {
	execute(ts, "0", command(ts, append([]string{"plinth"}, args...)))
}

// cmdCode: code N PROGRAM ARG…
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	execute(ts, args[0], command(ts, args[1:]))
}

func execute(ts *testscript.TestScript, code string, cmd *exec.Cmd) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	conclude(ts, code, err, stdout.String(), stderr.String())
}

// cmdAs: as UID N PROGRAM ARG…
func cmdAs(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	uid, err := strconv.ParseUint(args[0], 10, 32)
	ts.Check(err)
	cmd := command(ts, args[2:])
	if !w.lowered {
		// temporary folders are closed to other users
		for _, path := range []string{cmd.Path, filepath.Join(w.dir, "x")} {
			for dir := filepath.Dir(path); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
				ts.Check(os.Chmod(dir, 0o755))
			}
		}
		w.lowered = true
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	execute(ts, args[1], cmd)
}

// process runs in the background.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan struct{}
	err            error
}

// output collects what a running program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) end() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// cmdStart: start PROGRAM ARG…
func cmdStart(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.started != nil {
		ts.Fatalf("something is running already")
	}
	var err error
	w.started, err = launch(command(ts, args))
	ts.Check(err)
}

// cmdAwait: await TEXT
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	p := worldOf(ts).started
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text := p.stdout.String()
		if strings.Contains(text, args[0]) {
			return
		}
		select {
		case <-p.done:
			ts.Fatalf("it ended and did not print %q\n%s%s", args[0], p.stdout.String(), p.stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it did not print %q\n%s%s", args[0], text, p.stderr.String())
		}
	}
}

// cmdSignal: signal INT|TERM|KILL
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	s, ok := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[args[0]]
	if !ok {
		ts.Fatalf("signal %s?", args[0])
	}
	ts.Check(worldOf(ts).started.cmd.Process.Signal(s))
}

// cmdFinish: finish N [SECONDS]
func cmdFinish(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	limit := patience
	if len(args) > 1 {
		s, err := strconv.Atoi(args[1])
		ts.Check(err)
		limit = time.Duration(s) * time.Second
	}
	p := w.started
	select {
	case <-p.done:
	case <-time.After(limit):
		ts.Fatalf("it has not ended after %s\n%s%s", limit, p.stdout.String(), p.stderr.String())
	}
	w.started = nil
	conclude(ts, args[0], p.err, p.stdout.String(), p.stderr.String())
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func goarch() string { return cmp.Or(os.Getenv("GOARCH"), runtime.GOARCH) }
