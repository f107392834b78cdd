package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/debian/sandbox"
	"github.com/plinth-build/plinth/internal/debian/version"
	"github.com/plinth-build/plinth/internal/diag"
)

// Full mode makes an ordinary Debian. The layers with the packages' files are
// the same as in Distroless mode; what makes the difference is one more layer
// with everything that configuring the packages changes. It is found by doing it:
//
//	unpack the essential packages and what they depend on into a folder, write
//	dpkg's database beside them as if dpkg had unpacked them, and let the image's
//	own dpkg configure them in a sandbox
//	run the other packages' preinst scripts, unpack them, configure them
//	compare the folder with what the layers hold (delta.go), put right what
//	scripts write differently each time (normalise.go), and keep the difference
//
// The two rounds are debootstrap's: a preinst may use what is essential, and it
// must run before its package's files are there (it may divert them).
//
// The difference depends on nothing but the request, so it is kept in the pool
// under a hash of that and made once. Its known flaw: a package whose scripts
// write something random that normalise.go does not know gives an image that
// differs when it is made on another machine or after the pool was deleted.

// fullFormat is part of the key of a kept difference. It changes with anything
// in this package that makes the same request another difference.
const fullFormat = "plinth-full 1"

// configured is what is kept of a configured root.
type configured struct {
	Layer pool.Layer `json:"layer"`
	// Files are account files as the scripts left them, which the request's users are added to.
	Files map[string][]byte `json:"files"`
	// Dirs are the folders that are no package's.
	Dirs map[string]keptDir `json:"dirs"`
}

type keptDir struct {
	Mode     uint32 `json:"m"`
	UID, GID int
}

func (b *builder) full(ctx context.Context) ([]layer, error) {
	key := b.fullKey()
	var c configured
	if !b.pool.Cached(key, &c) || !b.restore(c.Layer) {
		begin := time.Now()
		var err error
		if c, err = b.configure(ctx); err != nil {
			return nil, err
		}
		if err := b.keep(key, c); err != nil {
			return nil, b.errorf("%w", err)
		}
		b.printf("configured the packages of %s in %s", b.Target, time.Since(begin).Round(time.Millisecond))
	}
	out := []layer{{c.Layer, configuredBy}}
	dirs := map[string]dirMeta{}
	for name, d := range c.Dirs {
		dirs[name] = dirMeta{d.Mode, d.UID, d.GID}
	}
	known := []map[string]dirMeta{dirs, b.tree.dirs}
	if b.parent != nil {
		known = append(known, b.parent.dirs)
	}
	g := newGenerated(b.Epoch, known...)
	if len(b.Spec.Users)+len(b.Spec.Groups) > 0 {
		a := accounts{passwd: c.Files["etc/passwd"], group: c.Files["etc/group"], shadow: c.Files["etc/shadow"], gshadow: c.Files["etc/gshadow"]}
		if err := b.addAccounts(g, a); err != nil {
			return nil, err
		}
	}
	b.addFiles(g)
	if g.empty() {
		return out, nil
	}
	data, err := g.tar()
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	l, err := putLayer(b.st, data)
	return append(out, layer{l, generatedBy + "own files and accounts"}), err
}

func (b *builder) printf(format string, args ...any) {
	if b.log != nil {
		fmt.Fprintf(b.log, format+"\n", args...)
	}
}

// fullKey is the name of the kept difference: everything it depends on.
func (b *builder) fullKey() string {
	h := sha256.New()
	local := map[string][]byte{}
	for _, f := range b.localCerts() {
		local[f.Path] = f.Data
	}
	var debs []string
	for _, d := range b.Debs {
		debs = append(debs, d.SHA256)
	}
	parent := digest.Digest("")
	if b.Parent != nil {
		parent = b.Parent.Manifest
	}
	data, err := json.Marshal([]any{fullFormat, debs, parent, b.Spec.Docs, b.Spec.AptSources, b.ownAptSources(), local, b.Epoch, b.Arch})
	if err != nil {
		panic("image: " + err.Error()) // plain data
	}
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// restore puts a kept layer into the store, false when it is gone or damaged.
func (b *builder) restore(l pool.Layer) bool {
	return b.st.Has(l.Descriptor) || b.pool.Restore(l.Descriptor, b.st)
}

// keep stores the difference in the pool.
func (b *builder) keep(key string, c configured) error {
	if err := b.pool.KeepBlob(b.st.BlobPath(c.Layer.Descriptor.Digest), c.Layer.Descriptor.Digest); err != nil {
		return err
	}
	return b.pool.Cache(key, c)
}

// localCerts are the request's own root certificates: the scripts must see them.
func (b *builder) localCerts() []File {
	var out []File
	for _, f := range b.files {
		if isLocalCert(imagePath(f.Path)) {
			out = append(out, f)
		}
	}
	return out
}

func (b *builder) needsRoot() error {
	return b.errorf("the packages' scripts can run as root only").
		Hint("run plinth as root, or give the image mode: distroless, which runs no script")
}

// configure does the work: unpack, run the scripts, compare.
func (b *builder) configure(ctx context.Context) (c configured, err error) {
	if os.Geteuid() != 0 {
		return c, b.needsRoot()
	}
	if err := b.pool.Verify(ctx, b.Debs, b.Spec.Docs, b.log); err != nil {
		return c, err
	}
	dir, err := b.pool.TempDir("root-")
	if err != nil {
		return c, b.errorf("%w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil && rerr != nil {
			err = b.errorf("cannot remove the root folder: %w", rerr)
		}
	}()
	if err := os.Chmod(dir, 0o755); err != nil {
		return c, b.errorf("%w", err)
	}
	r, err := newRootfs(dir, b)
	if err != nil {
		return c, b.errorf("%w", err)
	}
	defer r.close()
	if err := b.rounds(ctx, r); err != nil {
		return c, err
	}
	if c, err = r.difference(); err != nil {
		return c, b.errorf("%w", err)
	}
	return c, nil
}

// rounds unpacks and configures everything.
func (b *builder) rounds(ctx context.Context, r *rootfs) error {
	essential, rest := []*pool.Package(nil), b.packages
	if b.parent == nil {
		if essential, rest = splitEssential(b.packages); len(essential) == 0 {
			return b.errorf("full mode needs Debian's essential packages, and none is in the list").
				Hint("write the lock anew with: plinth update")
		}
	}
	prepare := func() error {
		if b.parent != nil {
			return r.extractParent()
		}
		return r.makeTopLinks()
	}
	unpack := func(ps []*pool.Package) func() error {
		return func() error { return r.unpack(ps) }
	}
	steps := []struct {
		what string
		do   func() error
	}{
		{"lay out the root", prepare},
		{"unpack the essential packages", unpack(essential)},
		{"write package settings", r.writeSettings},
		// base-passwd's accounts exist before any other script runs, as in debootstrap
		{"configure base-passwd", func() error { return b.run(ctx, r, r.basePasswd(essential)) }},
		{"configure the essential packages", func() error { return b.run(ctx, r, r.configure(essential)) }},
		{"run preinst scripts", func() error {
			commands, err := r.preinsts(rest)
			if err != nil {
				return err
			}
			return b.run(ctx, r, commands)
		}},
		{"unpack the packages", unpack(rest)},
		{"configure the packages", func() error { return b.run(ctx, r, r.configure(rest)) }},
		{"take in local root certificates", func() error { return b.run(ctx, r, r.updateCerts()) }},
	}
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.do(); err != nil {
			var d *diag.Error
			if errors.As(err, &d) || ctx.Err() != nil {
				return err
			}
			return b.errorf("cannot %s: %w", s.what, err)
		}
	}
	return nil
}

// scriptEnv is the whole environment of the scripts: no question is asked, no
// clock, locale or time zone of the host gets in.
func (b *builder) scriptEnv() []string {
	return []string{
		"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true", "HOME=/root", "LC_ALL=C.UTF-8", "TZ=UTC", "TERM=dumb",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONHASHSEED=0", "PERL_HASH_SEED=0",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", b.Epoch),
	}
}

// policy keeps scripts from starting services (invoke-rc.d(8)).
const policy = "#!/bin/sh\nexit 101\n"

// run runs commands in r with its services held back. On a failure the error
// ends with what was printed last.
func (b *builder) run(ctx context.Context, r *rootfs, commands [][]string) error {
	if len(commands) == 0 {
		return nil
	}
	const policyPath = "usr/sbin/policy-rc.d"
	restore, err := r.cover(policyPath, 0o755, []byte(policy))
	if err != nil {
		return err
	}
	tail := &tailWriter{}
	out := io.Writer(tail)
	if b.log != nil {
		out = io.MultiWriter(b.log, tail)
	}
	err = sandbox.Run(ctx, sandbox.Config{Root: r.dir, Env: b.scriptEnv(), Commands: commands, Output: out})
	if rerr := restore(); err == nil {
		err = rerr
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	e := b.errorf("a package's script failed: %w", err)
	if host := architectures[b.Arch][0]; host != runtime.GOARCH {
		_ = e.Hint("the scripts are for %s and this machine is %s: that needs qemu-user with binfmt_misc, or mode: distroless", host, runtime.GOARCH)
	}
	for _, l := range tail.lines(15) {
		_ = e.Hint("%s", l)
	}
	return e
}

// tailWriter keeps the end of what is written to it.
type tailWriter struct{ buf []byte }

const tailSize = 8 << 10

func (t *tailWriter) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailSize {
		t.buf = slices.Clone(t.buf[len(t.buf)-tailSize:])
	}
	return len(p), nil
}

func (t *tailWriter) lines(n int) []string {
	all := strings.FieldsFunc(string(t.buf), func(r rune) bool { return r == '\n' || r == '\r' })
	return all[max(0, len(all)-n):]
}

// splitEssential divides packages into the essential and required ones with all
// that those depend on, and the rest.
func splitEssential(packages []*pool.Package) (essential, rest []*pool.Package) {
	provider := map[string][]*pool.Package{}
	for _, p := range packages {
		provider[p.Name()] = append(provider[p.Name()], p)
		for _, name := range relationNames(p.Stanza.Get("Provides")) {
			provider[name] = append(provider[name], p)
		}
	}
	in := map[*pool.Package]bool{}
	var add func(p *pool.Package)
	add = func(p *pool.Package) {
		if in[p] {
			return
		}
		in[p] = true
		for _, field := range []string{"Pre-Depends", "Depends"} {
			for _, name := range relationNames(p.Stanza.Get(field)) {
				for _, d := range provider[name] {
					add(d)
				}
			}
		}
	}
	for _, p := range packages {
		if rank(p) == 0 {
			add(p)
		}
	}
	for _, p := range packages {
		if in[p] {
			essential = append(essential, p)
		} else {
			rest = append(rest, p)
		}
	}
	return essential, rest
}

// relationNames are the package names in a relation field; alternatives too.
func relationNames(field string) []string {
	groups, err := version.ParseRelations(field)
	if err != nil {
		return nil
	}
	var names []string
	for _, g := range groups {
		for _, r := range g {
			names = append(names, r.Name)
		}
	}
	return names
}

// Main is the half of the program that runs scripts; the command calls it
// before anything else and ends when it returns true. See sandbox.Main.
func Main() bool { return sandbox.Main() }

// hostPath is where the image's path is on the host, for paths that are known
// not to lead through links.
func (r *rootfs) hostPath(name string) string { return filepath.Join(r.dir, name) }
