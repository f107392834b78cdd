package build

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/moby/buildkit/client"
	"golang.org/x/crypto/ssh/agent"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/engine"
	"github.com/plinth-build/plinth/internal/secret"
	"github.com/plinth-build/plinth/internal/store"
)

const npmToken = "npm_16C7e42F292c6912E7710c838347Ae178B4a"

// secretsOf makes a set out of names and values.
func secretsOf(t *testing.T, values ...string) *secret.Set {
	t.Helper()
	vars := map[string]string{}
	var sources []secret.Source
	for i := 0; i < len(values); i += 2 {
		vars[values[i]] = values[i+1]
		sources = append(sources, secret.Source{ID: values[i], Env: values[i]})
	}
	set, err := secret.Load(sources, func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// newSecretFixture is newFixture with a log of the engine in the state folder.
func newSecretFixture(t *testing.T) *fixture {
	t.Helper()
	state := t.TempDir()
	e, err := engine.Start(t.Context(), engine.Options{Root: filepath.Join(state, "engine"), LogFile: filepath.Join(state, "logs", "engine.log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(filepath.Join(state, "store"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(e, s)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Builder: b, t: t, state: state, store: s}
	f.base = f.build(f.baseRequest()).Manifest.Digest
	return f
}

// holders lists the files under a folder that a text is in, as it is, in base64 or in
// hexadecimal, compressed or not, and those with it in their name.
func holders(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	forms := [][]byte{[]byte(text), []byte(base64.StdEncoding.EncodeToString([]byte(text))[:len(text)]), []byte(hex.EncodeToString([]byte(text)))}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.Contains(d.Name(), text) {
			found = append(found, path)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if zr, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
			plain, err := io.ReadAll(zr)
			if err != nil {
				return err
			}
			data = append(data, plain...)
		}
		if slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Contains(data, f) }) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Fatalf("only %d files in %s", files, dir)
	}
	return found
}

// logged builds with a log file in the state folder, as the command line does.
func (f *fixture) logged(r Request) (Result, string, []Event, error) {
	f.t.Helper()
	path := filepath.Join(f.state, "logs", r.Target+".log")
	file, err := os.Create(path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	var events []Event
	r.Log, r.Progress = file, func(e Event) { events = append(events, e) }
	res, err := f.Build(f.t.Context(), r)
	log, readErr := os.ReadFile(path)
	if readErr != nil {
		f.t.Fatal(readErr)
	}
	return res, string(log), events, err
}

func TestSecretIsUsedAndNotKept(t *testing.T) {
	f := newSecretFixture(t)
	r := f.request(`FROM base
RUN --mount=type=secret,id=npm,required=true cat /run/secrets/npm && echo file > /file
RUN --mount=type=secret,id=npm,target=/etc/token,uid=1000,mode=0440 mode /etc/token && hex /etc/token -
RUN --mount=type=secret,id=npm,env=NPM_TOKEN,required=true echo the token is $NPM_TOKEN. && echo env > /env
RUN --mount=type=secret,id=npm dribble /run/secrets/npm
RUN --mount=type=secret,id=npm base64 /run/secrets/npm -
RUN --mount=type=secret,id=other absent /run/secrets/other
RUN absent /run/secrets/npm && absent /etc/token
`, nil)
	r.Secrets = secretsOf(t, "npm", npmToken)
	res, log, events, err := f.logged(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if _, err := f.store.Record("ab12", r.Target, store.Image{Manifest: res.Manifest, Epoch: epoch}, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n#2 ***\n", "\n#3 mode -r--r-----\n", "\n#3 ***\n", "\n#4 the token is ***.\n", "\n#6 ***Q==\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	// what the two streams of a step say comes in any order, and so do the lines of two steps
	dribbled := ""
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "#5 ") && !strings.Contains(line, "RUN") && !strings.Contains(line, "DONE") {
			dribbled += line
		}
	}
	if rest := strings.NewReplacer("#5 ", "", "\n", "", "meanwhile", "").Replace(dribbled); rest != "***#5" && rest != "***" || strings.Count(dribbled, "meanwhile") != len(npmToken)/8 {
		t.Errorf("of what came byte by byte %q is left in %q", rest, dribbled)
	}
	if len(events) == 0 {
		t.Error("no events")
	}
	files := f.files(res.Manifest.Digest)
	if files["/file"].data != "file\n" || files["/env"].data != "env\n" {
		t.Errorf("files %v", files)
	}
	if err := f.engine.(*engine.Engine).Close(); err != nil {
		t.Fatal(err)
	}
	for _, h := range holders(t, f.state, npmToken) {
		t.Errorf("the value is in %s", h)
	}
}

func TestSecretThatIsKept(t *testing.T) {
	f := newSecretFixture(t)
	mounted := "FROM base\nRUN echo before > /before\n# a comment\nRUN --mount=type=secret,id=npm "
	for _, c := range []struct {
		name, dockerfile string
		files            map[string]string
		want             string // of the error, behind its line and a colon
		hint             string
		secrets          []string
		labels           map[string]string
	}{
		{name: "plain", dockerfile: mounted + "cp /run/secrets/npm /app\n",
			want: "0100-child/Dockerfile:4: cannot keep child: the secret npm is in /app (layer 4, plain)", hint: "the layer was made by RUN /bin/sh -c cp /run/secrets/npm /app # buildkit"},
		{name: "base64", dockerfile: mounted + "base64 /run/secrets/npm /app\n", want: "0100-child/Dockerfile:4: cannot keep child: the secret npm is in /app (layer 4, base64)"},
		{name: "hex", dockerfile: mounted + "hex /run/secrets/npm /app\n", want: "0100-child/Dockerfile:4: cannot keep child: the secret npm is in /app (layer 4, hex)"},
		{name: "from the environment", dockerfile: "FROM base\nRUN --mount=type=secret,id=npm,env=T echo //registry/:_authToken=$T > /.npmrc\n",
			want: "0100-child/Dockerfile:2: cannot keep child: the secret npm is in /.npmrc (layer 3, plain)"},
		{name: "removed too late", dockerfile: mounted + "cp /run/secrets/npm /app\nRUN rm /app\n", want: "0100-child/Dockerfile:4: cannot keep child: the secret npm is in /app (layer 4, plain)", hint: "what a later RUN deletes stays in the layer"},
		{name: "file name", dockerfile: "FROM base\nRUN --mount=type=secret,id=npm,env=T mkdir /d/$T\n", want: "0100-child/Dockerfile:2: cannot keep child: the secret npm is in /d/*** (layer 3, plain)"},
		{name: "context", dockerfile: "FROM base\nCOPY npmrc /root/.npmrc\n", files: map[string]string{"npmrc": "_authToken=" + npmToken + "\n"},
			want: "0100-child/Dockerfile:2: cannot keep child: the secret npm is in /root/.npmrc (layer 3, plain)", hint: "if it is no secret, add search=false to --secret id=npm"},
		{name: "a part", dockerfile: "FROM base\nRUN --mount=type=secret,id=npmrc echo " + npmToken[:4] + npmToken[4:] + " > /t\n", secrets: []string{"npmrc", "registry=https://r/\n//r/:_authToken=" + npmToken + "\n"},
			want: "0100-child/Dockerfile:2: cannot keep child: a part of the secret npmrc is in /t (layer 3, plain)"},
		{name: "config", dockerfile: "FROM base\nENV A=b\nENV TOKEN=" + npmToken + "\n", want: "0100-child/Dockerfile: cannot keep child: the secret npm is in its config (config.Env[3], plain)", hint: "also, the secret npm is in its config (history["},
		{name: "label", dockerfile: "FROM base\nENV A=b\n", labels: map[string]string{"t": base64.StdEncoding.EncodeToString([]byte(npmToken))},
			want: "0100-child/Dockerfile: cannot keep child: the secret npm is in its config (config.Labels.t, base64)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(c.dockerfile, c.files)
			r.Labels = c.labels
			value := []string{"npm", npmToken}
			if c.secrets != nil {
				value = c.secrets
			}
			r.Secrets = secretsOf(t, value...)
			for _, run := range []string{"first", "second"} {
				_, log, events, err := f.logged(r)
				var e *BuildError
				if !errors.As(err, &e) || e.Error() != c.want || !strings.Contains(strings.Join(e.Err.Hints, "\n"), c.hint) {
					t.Fatalf("%s: got %v, want %s\n%s", run, err, c.want, log)
				}
				if all := log + e.Error() + strings.Join(e.Err.Hints, "\n") + strings.Join(e.Tail, "\n"); strings.Contains(all, npmToken) {
					t.Errorf("%s: the value is in %s", run, all)
				}
				for _, ev := range events {
					if strings.Contains(ev.Name, npmToken) {
						t.Errorf("the value is in %s", ev.Name)
					}
				}
				for _, h := range holders(t, filepath.Join(f.state, "store"), npmToken) {
					t.Errorf("%s: the value is in %s", run, h)
				}
				for _, h := range holders(t, f.state, npmToken) {
					if strings.HasPrefix(c.dockerfile, mounted) || !strings.HasPrefix(h, filepath.Join(f.state, "engine")) {
						t.Errorf("%s: the value is in %s", run, h)
					}
				}
			}
		})
	}
	if f.build(f.child()); len(holders(t, filepath.Join(f.state, "store"), "base")) == 0 {
		t.Error("holders finds nothing")
	}
}

// What a RUN wrote with another value, or before it was known to be a secret, must
// not come out of the engine's cache.
func TestLeakIsNotCached(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN --mount=type=secret,id=npm,env=T echo x$T > /t && stamp /stamp\nRUN cp /t /u\n", nil)
	r.Secrets = secretsOf(t, "npm", npmToken)
	if e := f.fail(r); !strings.Contains(e.Error(), "is in /t (layer 3, plain)") || !strings.Contains(strings.Join(e.Err.Hints, "\n"), "also, the secret npm is in /u (layer 4, plain)") || strings.Contains(strings.Join(e.Err.Hints, "\n"), "no-cache") {
		t.Errorf("got %v, %q", e, e.Err.Hints)
	}
	r.Secrets = secretsOf(t, "npm", "another_16C7e42F292c6912E")
	if e := f.fail(r); !strings.Contains(e.Error(), "is in /t (layer 3, plain)") {
		t.Errorf("got %v", e)
	}
	r.Secrets = nil
	res := f.build(r)
	if got := f.files(res.Manifest.Digest)["/u"].data; got != "x\n" {
		t.Errorf("without a secret the image has %q", got)
	}
	stamp := f.files(res.Manifest.Digest)["/stamp"]
	r.Secrets = secretsOf(t, "unrelated", "unrelated_16C7e42F292c6912E")
	if again := f.files(f.build(r).Manifest.Digest)["/stamp"]; again != stamp {
		t.Error("a build without a leak is not cached")
	}
}

// Of folded layers what counts is what is in them in the end.
func TestSecretsInFoldedLayers(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN --mount=type=secret,id=npm cp /run/secrets/npm /t\nRUN rm /t && echo fine > /fine\n", nil)
	r.Secrets, r.Squash = secretsOf(t, "npm", npmToken), SquashOwn
	if files := f.files(f.build(r).Manifest.Digest); files["/fine"].data != "fine\n" {
		t.Errorf("files %v", files)
	}
	if found := holders(t, filepath.Join(f.state, "store"), npmToken); len(found) > 0 {
		t.Errorf("the value is in %v", found)
	}
	r.Dockerfile = []byte("FROM base\nRUN --mount=type=secret,id=npm cp /run/secrets/npm /t\nRUN echo fine > /fine\n")
	for range 2 {
		if e := f.fail(r); !strings.Contains(e.Error(), "cannot keep child: the secret npm is in /t (layer 3, plain)") {
			t.Errorf("got %v", e)
		}
		if found := holders(t, filepath.Join(f.state, "store"), npmToken); len(found) > 0 {
			t.Errorf("the value is in %v", found)
		}
	}
}

// The layers of a parent are the parent's business.
func TestParentsAreNotSearched(t *testing.T) {
	f := newFixture(t)
	parent := f.request("FROM base\nRUN echo "+npmToken+" > /t\n", nil)
	child := f.request("FROM parent\nRUN echo fine > /fine\n", nil)
	child.Named = []NamedImage{{Text: "parent", Manifest: f.build(parent).Manifest.Digest}}
	child.Secrets = secretsOf(t, "npm", npmToken)
	// the words of the parent's RUN are in the history, which is the child's
	e := f.fail(child)
	if !strings.HasPrefix(e.Error(), "0100-child/Dockerfile: cannot keep child: the secret npm is in its config (history[") || strings.Contains(strings.Join(e.Err.Hints, "\n"), "layer 3") {
		t.Errorf("got %v, %q", e, e.Err.Hints)
	}
	parent = f.request("FROM base\nCOPY t /t\n", map[string]string{"t": npmToken})
	child.Named = []NamedImage{{Text: "parent", Manifest: f.build(parent).Manifest.Digest}}
	f.build(child)
}

func TestUnsearchedSecret(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN --mount=type=secret,id=user,env=NAME echo i am $NAME > /user && cat /user\n", nil)
	set, err := secret.Load([]secret.Source{{ID: "user", Env: "U", Unsearched: true}}, func(string) (string, bool) { return "deployer", true })
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r.Secrets, r.Log = set, &log
	res, err := f.Build(t.Context(), r)
	if err != nil || f.files(res.Manifest.Digest)["/user"].data != "i am deployer\n" || !strings.Contains(log.String(), "i am deployer") {
		t.Errorf("%v\n%s", err, log.String())
	}
}

func TestSecretsThatAreNotGiven(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name, dockerfile, want string
		hints                  []string
	}{
		{"file", "FROM base\nRUN echo a\nRUN --mount=type=secret,id=npm,required=true cat /run/secrets/npm\n", "0100-child/Dockerfile:3: cannot build child: RUN needs the secret npm, which was not given",
			[]string{"--secret id=npm,src=FILE or --secret id=npm,env=VARIABLE"}},
		{"variable", "FROM base\nRUN --mount=type=secret,id=npm,env=A,required echo $A\n", "0100-child/Dockerfile:2: cannot build child: RUN needs the secret npm, which was not given", nil},
		{"ssh", "FROM base\nRUN --mount=type=ssh,required=true echo a\n", "0100-child/Dockerfile:2: cannot build child: RUN needs the SSH agent default, which was not given",
			[]string{"--ssh default lets it ask the agent in $SSH_AUTH_SOCK, --ssh default=KEYFILE gives it a key"}},
		{"several", "FROM base\nRUN --mount=type=secret,id=z,required=true echo a\nRUN --mount=type=ssh,id=git,required=true --mount=type=secret,id=given,required=true --mount=type=secret,id=z,required=true echo a\n",
			"0100-child/Dockerfile:2: cannot build child: RUN needs the secret z, which was not given",
			[]string{"--secret id=z,src=FILE or --secret id=z,env=VARIABLE", "--ssh git lets it ask the agent in $SSH_AUTH_SOCK, --ssh git=KEYFILE gives it a key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(c.dockerfile, nil)
			r.Secrets = secretsOf(t, "given", "given_16C7e42F292c6912E")
			var log bytes.Buffer
			r.Log = &log
			e := f.fail(r)
			if e.Error() != c.want || c.hints != nil && !slices.Equal(e.Err.Hints, c.hints) {
				t.Errorf("got %v, %q", e, e.Err.Hints)
			}
			if strings.Contains(log.String(), "RUN") {
				t.Errorf("something ran:\n%s", log.String())
			}
		})
	}
}

// A step that fails with the value in its last words.
func TestFailuresAreMasked(t *testing.T) {
	f := newFixture(t)
	r := f.request("FROM base\nRUN --mount=type=secret,id=npm,env=T echo $T && $T\n", nil)
	r.Secrets = secretsOf(t, "npm", npmToken)
	_, log, _, err := f.logged2(r)
	var e *BuildError
	// the streams of a step come in any order
	if !errors.As(err, &e) || e.ExitCode != 127 || !slices.Equal(slices.Sorted(slices.Values(e.Tail)), []string{"***", "sh: ***: not found"}) || strings.Contains(log, npmToken) {
		t.Errorf("got %v, %q\n%s", err, e.Tail, log)
	}
	r = f.request("FROM base\nRUN exit 3 "+npmToken+"\n", nil)
	r.Secrets = secretsOf(t, "npm", npmToken)
	_, log, events, err := f.logged2(r)
	if !errors.As(err, &e) || e.Error() != "0100-child/Dockerfile:2: cannot build child: RUN exited with code 3: exit 3 ***" || strings.Contains(log, npmToken) {
		t.Errorf("got %v\n%s", err, log)
	}
	for _, ev := range events {
		if strings.Contains(ev.Name, npmToken) {
			t.Errorf("event %s", ev.Name)
		}
	}
	for inner := error(e); inner != nil; inner = errors.Unwrap(inner) {
		if strings.Contains(inner.Error(), npmToken) {
			t.Errorf("unwrapped: %v", inner)
		}
	}
}

// logged2 is logged where the state has no folder for logs.
func (f *fixture) logged2(r Request) (Result, string, []Event, error) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Join(f.state, "logs"), 0o755); err != nil {
		f.t.Fatal(err)
	}
	return f.logged(r)
}

func TestGuardKeepsWhatTellsErrorsApart(t *testing.T) {
	g := newGuard(Request{Secrets: secretsOf(t, "npm", npmToken)})
	full := diskFullError(Request{Target: "x " + npmToken}, diag.Position{}, npmToken)
	full.Err = errors.Join(errors.New(npmToken), syscall.ENOSPC)
	out := newOutput(nil, nil)
	err := g.failure(Request{Target: npmToken}, errors.New("no space left on device"), &frontEnd{}, out)
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), npmToken) {
		t.Errorf("got %v", err)
	}
	w := g.warnings([]Warning{{Text: "ENV " + npmToken}})
	if w[0].Text != "ENV ***" {
		t.Errorf("got %v", w)
	}
	var log bytes.Buffer
	if _, err := io.WriteString(g.watch(&log), "x "+npmToken); err != nil || log.String() != "x "+npmToken {
		t.Errorf("%q, %v", log.String(), err)
	}
	if found := g.log.Take(); len(found) != 1 || g.watch(nil) != nil {
		t.Errorf("the log is not searched: %v", found)
	}
}

func TestRecordsOf(t *testing.T) {
	usage := []*client.UsageInfo{
		{ID: "top", Parents: []string{"copy"}},
		{ID: "copy", Description: "[2/3] COPY a b", Parents: []string{"run"}},
		{ID: "run", Description: "mount / from exec /bin/sh -c make", Parents: []string{"base"}},
		{ID: "base", Description: "pulled from x"},
		{ID: "other", Description: "mount / from exec /bin/sh -c make all", Parents: []string{"base"}},
		{ID: "context", Description: "local source for context"},
	}
	got := recordsOf(usage, [][]string{{"/bin/sh", "-c", "make"}})
	slices.Sort(got)
	if want := []string{"copy", "run", "top"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := recordsOf(usage, nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestSSH(t *testing.T) {
	f := newFixture(t)
	keys := agent.NewKeyring()
	for i := range 3 {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, 32))
		if err := keys.Add(agent.AddedKey{PrivateKey: &key}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "agent.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	r := f.request("FROM base\nRUN --mount=type=ssh,required=true identities $SSH_AUTH_SOCK\nRUN --mount=type=ssh,id=git,target=/git.sock identities /git.sock && echo fine > /fine\nRUN --mount=type=ssh,id=none absent /run/buildkit/ssh_agent.0\nRUN absent /git.sock\n", nil)
	r.SSH, err = secret.LoadAgents([]secret.Agent{{ID: "default"}, {ID: "git", Paths: []string{socket}}}, func(string) (string, bool) { return socket, true })
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r.Log = &log
	res, err := f.Build(t.Context(), r)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if n := strings.Count(log.String(), "identities 12 3\n"); n != 2 {
		t.Errorf("the agent answered %d times:\n%s", n, log.String())
	}
	if f.files(res.Manifest.Digest)["/fine"].data != "fine\n" {
		t.Errorf("files %v", f.files(res.Manifest.Digest))
	}
	r.SSH = []secret.Agent{{ID: "default", Paths: []string{"/no/such/socket"}}}
	if _, err := f.Build(t.Context(), r); err == nil || !strings.Contains(err.Error(), "cannot build child: cannot use the SSH agent: ") {
		t.Errorf("got %v", err)
	}
}
