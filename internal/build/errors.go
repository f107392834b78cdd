package build

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	solvererrs "github.com/moby/buildkit/solver/errdefs"
	"golang.org/x/sys/unix"

	"github.com/plinth-build/plinth/internal/diag"
)

// BuildError is a build that failed.
type BuildError struct {
	// Err says what failed, where in the Dockerfile, and what to do.
	// errors.Is(err, syscall.ENOSPC) holds when a disk was full.
	Err *diag.Error
	// Tail are the last lines that the failed step printed, without line ends; at most 20.
	Tail []string
	// ExitCode is the code that a RUN returned, 0 when it was not a RUN that failed.
	ExitCode int
}

// Error implements error.
func (e *BuildError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *BuildError) Unwrap() error { return e.Err }

// engineError is a cause whose words are in the message already.
type engineError struct{ err error }

func (e *engineError) Error() string { return clean(e.err.Error()) }
func (e *engineError) Unwrap() error { return e.err }

// pullError is an upstream that could not be had from its registry.
type pullError struct {
	ref string
	err error
}

func (e *pullError) Error() string { return fmt.Sprintf("cannot pull %s: %v", e.ref, e.err) }
func (e *pullError) Unwrap() error { return e.err }

// referenceError is a reference that nothing is known of.
type referenceError struct {
	text    string
	nearest string
}

func (e *referenceError) Error() string {
	return fmt.Sprintf("%s is neither a target of this catalog nor a locked upstream", e.text)
}

func (e *referenceError) diagnose(r Request, pos diag.Position) *diag.Error {
	d := diag.Errorf(pos, "cannot build %s: %w", r.Target, e)
	if e.nearest != "" {
		d = d.Hint("did you mean %s?", e.nearest)
	}
	return d.Hint("plinth update pins an upstream's digest in plinth.lock")
}

func unknownReference(_ Request, n *names, ref string) error {
	text := ref
	if parsed, err := reference.ParseNormalizedNamed(ref); err == nil {
		text = strings.TrimSuffix(reference.FamiliarString(parsed), ":latest")
	}
	nearest := diag.Nearest(text, n.texts)
	return &referenceError{text: text, nearest: nearest}
}

// failure puts the engine's error into words. The order matters: what is more
// specific comes first.
func failure(r Request, err error, front *frontEnd, out *output) error {
	e := &BuildError{}
	if out.failed != nil {
		e.Tail = out.failed.tail
	}
	pos := position(r, err)
	var (
		unknown *referenceError
		pull    *pullError
		exit    *gatewaypb.ExitError
		temp    *tempError
	)
	switch text := err.Error(); {
	case errors.As(err, &temp):
		e.Err = temp.diagnose(r)
	case errors.As(err, &unknown):
		if pos.Line == 0 {
			pos.Line = lineOf(r.Dockerfile, unknown.text)
		}
		e.Err = unknown.diagnose(r, pos)
	case errors.As(err, &exit) && front.command(err) != nil:
		e.ExitCode = int(exit.ExitCode)
		e.Err = runError(r, pos, front.command(err), exit, e.Tail)
	case diskFull(text):
		e.Err = diskFullError(r, pos, "the disk is full")
	case errors.As(err, &pull):
		e.Err = pullFailure(r, pos, pull.ref, pull.err.Error())
	case pulledUpstream(r, text) != "":
		e.Err = pullFailure(r, pos, pulledUpstream(r, text), text)
	case missingSource(text) != "":
		e.Err = missingError(r, pos, missingSource(text))
	default:
		e.Err = &diag.Error{Pos: pos, Msg: fmt.Sprintf("cannot build %s: %s", r.Target, clean(text)), Err: &engineError{err}}
	}
	return e
}

// position is the place of the instruction that failed.
func position(r Request, err error) diag.Position {
	for _, s := range solvererrs.Sources(err) {
		if s.Info.GetFilename() != r.DockerfilePath || len(s.Ranges) == 0 {
			continue
		}
		return diag.Position{File: r.DockerfilePath, Line: int(s.Ranges[0].GetStart().GetLine())}
	}
	return diag.Position{File: r.DockerfilePath}
}

// lineOf finds the instruction that has the text in it, for errors that the
// front end gives no place. 0 means that none has.
func lineOf(dockerfile []byte, text string) int {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return 0
	}
	for _, node := range parsed.AST.Children {
		if strings.Contains(node.Original, text) {
			return node.StartLine
		}
	}
	return 0
}

func runError(r Request, pos diag.Position, args []string, exit *gatewaypb.ExitError, tail []string) *diag.Error {
	command := shorten(args)
	text := exit.Error()
	code := int(exit.ExitCode)
	// the engine's words for ENOMEM, which it sets when the kernel's OOM killer has been there
	outOfMemory := strings.HasSuffix(text, "cannot allocate memory")
	switch {
	case code == gatewaypb.UnknownExitStatus && !strings.HasSuffix(text, "exit code: 255"):
		return diag.Errorf(pos, "cannot build %s: RUN did not start: %s: %s", r.Target, command, clean(text))
	case outOfMemory:
		return diag.Errorf(pos, "cannot build %s: RUN was killed because memory ran out: %s", r.Target, command).
			Hint("give the machine more memory, or build fewer targets at once with --jobs")
	case code > 128 && code <= 128+64 && unix.SignalName(syscall.Signal(code-128)) != "":
		name := unix.SignalName(syscall.Signal(code - 128))
		e := diag.Errorf(pos, "cannot build %s: RUN was killed by %s (exit code %d): %s", r.Target, name, code, command)
		if name == "SIGKILL" {
			return e.Hint("when nobody killed it, memory ran out: see dmesg, or build fewer targets at once with --jobs")
		}
		return e
	}
	e := diag.Errorf(pos, "cannot build %s: RUN exited with code %d: %s", r.Target, code, command)
	for _, line := range tail {
		if diskFull(line) {
			return diskFullError(r, pos, fmt.Sprintf("RUN exited with code %d because a disk is full: %s", code, command))
		}
	}
	switch code {
	case 126:
		return e.Hint("code 126: the command is there but cannot be executed (its mode, or a script's first line)")
	case 127:
		return e.Hint("code 127: the command was not found in the image")
	}
	return e
}

// shorten makes one line of a command: the shell is left out, blanks are
// folded, and it ends after 80 characters.
func shorten(args []string) string {
	if len(args) == 3 && args[1] == "-c" {
		args = args[2:]
	}
	text := []rune(strings.Join(strings.Fields(strings.Join(args, " ")), " "))
	const limit = 80
	if len(text) > limit {
		return string(text[:limit-1]) + "…"
	}
	return string(text)
}

func diskFull(text string) bool {
	return strings.Contains(strings.ToLower(text), "no space left on device")
}

func diskFullError(r Request, pos diag.Position, what string) *diag.Error {
	e := &diag.Error{Pos: pos, Msg: fmt.Sprintf("cannot build %s: %s", r.Target, what), Err: syscall.ENOSPC}
	return e.Hint("free some space, or put the state folder on another disk with --state-dir")
}

// pulledUpstream finds the upstream whose layers an error of the engine speaks of.
func pulledUpstream(r Request, text string) string {
	for _, n := range r.Named {
		if n.Upstream == "" {
			continue
		}
		up, err := reference.ParseNormalizedNamed(n.Upstream)
		if err != nil {
			continue
		}
		if strings.Contains(text, reference.Path(up)) && strings.Contains(text, reference.Domain(up)) || strings.Contains(text, up.String()) {
			return up.String()
		}
	}
	return ""
}

// pullFailure tells the three ways in which a registry says no from each other.
func pullFailure(r Request, pos diag.Position, ref, text string) *diag.Error {
	lower := strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(lower, w) {
				return true
			}
		}
		return false
	}
	host := ref
	if named, err := reference.ParseNormalizedNamed(ref); err == nil {
		host = reference.Domain(named)
		// a repository may be called denied
		lower = strings.ReplaceAll(strings.ReplaceAll(lower, strings.ToLower(host), ""), reference.Path(named), "")
	}
	// by words, not by status numbers: ports and digests have those in them
	switch {
	case has("unauthorized", "forbidden", "authorization failed", "denied", "insufficient_scope", "no basic auth"):
		return diag.Errorf(pos, "cannot build %s: %s does not let us pull %s: %s", r.Target, host, ref, clean(text)).
			Hint("docker login %s", host)
	case has("too many requests", "toomanyrequests"):
		return diag.Errorf(pos, "cannot build %s: %s has had too many requests from here: %s", r.Target, host, clean(text)).
			Hint("wait, or docker login %s", host)
	case has("not found", "manifest unknown"):
		return diag.Errorf(pos, "cannot build %s: %s no longer has %s", r.Target, host, ref).
			Hint("plinth update takes the digest that the tag has now")
	case has("connection refused", "no such host", "i/o timeout", "network is unreachable", "no route to host", "tls", "x509", "dial tcp", "connection reset", "deadline exceeded", "eof"):
		return diag.Errorf(pos, "cannot build %s: cannot reach %s for %s: %s", r.Target, host, ref, clean(text)).
			Hint("check the network and the proxy settings (HTTPS_PROXY)")
	}
	return diag.Errorf(pos, "cannot build %s: cannot pull %s: %s", r.Target, ref, clean(text))
}

// missingSource gives the path that COPY or ADD did not find, or "".
func missingSource(text string) string {
	if before, ok := strings.CutSuffix(text, ": no such file or directory"); ok {
		if i := strings.LastIndex(before, "lstat "); i >= 0 {
			return before[i+len("lstat "):]
		}
	}
	before, ok := strings.CutSuffix(text, ": not found")
	if !ok || !strings.Contains(text, "checksum") {
		return ""
	}
	i := strings.LastIndex(before, `"`)
	if i <= 0 || i != len(before)-1 {
		return ""
	}
	j := strings.LastIndex(before[:i], `"`)
	if j < 0 {
		return ""
	}
	return before[j+1 : i]
}

func missingError(r Request, pos diag.Position, path string) *diag.Error {
	name := strings.TrimPrefix(path, "/")
	e := diag.Errorf(pos, "cannot build %s: there is no %s to copy", r.Target, name)
	if r.ContextDir == "" {
		return e
	}
	if _, err := os.Lstat(filepath.Join(r.ContextDir, filepath.FromSlash(name))); err == nil {
		return e.Hint("%s is in the build context, but .dockerignore leaves it out", name)
	}
	return e.Hint("paths are relative to %s; with --from they are those of the other image", r.ContextDir)
}

// clean removes what the engine's layers put in front of an error.
func clean(text string) string {
	for {
		before := text
		for _, prefix := range []string{
			"failed to solve: ", "failed to run Build function: ", "failed to build: ", "rpc error: ",
			"code = Unknown desc = ", "code = NotFound desc = ", "code = Internal desc = ", "code = InvalidArgument desc = ",
			"failed to solve with frontend dockerfile.v0: ",
		} {
			text = strings.TrimPrefix(text, prefix)
		}
		if text == before {
			break
		}
	}
	// the parser's suggestion is another one each time
	if strings.Contains(text, "unknown instruction: ") {
		text, _, _ = strings.Cut(text, " (did you mean")
	}
	return strings.Join(strings.Fields(text), " ")
}
