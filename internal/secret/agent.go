package secret

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/plinth-build/plinth/internal/diag"
)

// DefaultAgent is the ID of an agent that has no other name.
const DefaultAgent = "default"

// maxKeySize is how much of a key file is read, in bytes; BuildKit reads as much.
const maxKeySize = 100 << 10

// Agent is an SSH agent that RUN --mount=type=ssh,id=ID can ask for signatures.
// The keys themselves never go into a container.
type Agent struct {
	Pos diag.Position // where this is written; none for a command line
	ID  string
	// Paths is one agent's socket, or private keys in files. None means the
	// agent in $SSH_AUTH_SOCK.
	Paths []string
}

// ParseAgent reads the argument of --ssh as buildx does: ID, ID=SOCKET or
// ID=KEY,KEY. Nothing is opened.
func ParseAgent(spec string) (Agent, error) {
	id, paths, given := strings.Cut(spec, "=")
	bad := func(why string) *diag.Error {
		return diag.Errorf(diag.Position{}, "cannot read --ssh: %s", why).
			Hint("the form is default, or ID=SOCKET, or ID=KEY,KEY").WithCode(diag.ExitUsage)
	}
	if id == "" {
		return Agent{}, bad("it has no id")
	}
	a := Agent{ID: id}
	if !given {
		return a, nil
	}
	for p := range strings.SplitSeq(paths, ",") {
		if p == "" {
			return Agent{}, bad(id + " has an empty path")
		}
		if strings.HasPrefix(p, "raw=") {
			return Agent{}, bad(id + " asks for a raw socket, which is not offered: a RUN could talk to anything behind it")
		}
		a.Paths = append(a.Paths, p)
	}
	return a, nil
}

// LoadAgents checks that each agent can be used, and fills in $SSH_AUTH_SOCK. Of
// two with one ID the later one counts. All errors are reported at once.
func LoadAgents(agents []Agent, lookup func(string) (string, bool)) ([]Agent, error) {
	last := map[string]int{}
	for i, a := range agents {
		last[a.ID] = i
	}
	var out []Agent
	var errs diag.List
	for i, a := range agents {
		if last[a.ID] != i {
			continue
		}
		if len(a.Paths) == 0 {
			socket, _ := lookup("SSH_AUTH_SOCK")
			if socket == "" {
				errs.Add(diag.Errorf(a.Pos, "cannot use the SSH agent %s: SSH_AUTH_SOCK is not set, so no agent runs here", a.ID).
					Hint("eval $(ssh-agent) && ssh-add, or --ssh %s=KEYFILE", a.ID))
				continue
			}
			a.Paths = []string{socket}
		}
		errs.Add(a.check())
		out = append(out, a)
	}
	return out, errs.Err()
}

// check says what stands against using the agent.
func (a Agent) check() *diag.Error {
	for _, p := range a.Paths {
		fail := func(format string, args ...any) *diag.Error {
			return diag.Errorf(a.Pos, "cannot use the SSH agent %s: %s: %w", a.ID, p, fmt.Errorf(format, args...))
		}
		info, err := os.Stat(p)
		if err != nil {
			return fail("%w", reason(err))
		}
		if info.Mode().Type() == fs.ModeSocket {
			if len(a.Paths) > 1 {
				return fail("a socket cannot be joined with other paths").Hint("give one socket, or keys alone")
			}
			continue
		}
		if info.IsDir() {
			return fail("it is a folder, neither a socket nor a private key")
		}
		data, err := readKey(p)
		if err != nil {
			return fail("%w", reason(err))
		}
		switch _, err := ssh.ParseRawPrivateKey(data); err.(type) { //nolint:errorlint // ssh returns it unwrapped
		case nil:
		case *ssh.PassphraseMissingError:
			return fail("the key has a passphrase").Hint("ssh-add %s, then --ssh %s", p, a.ID)
		default:
			return fail("it is neither a socket nor a private key")
		}
	}
	return nil
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeySize))
}
