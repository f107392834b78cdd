package catalog

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
)

var (
	signalPattern  = regexp.MustCompile(`^SIG[A-Z0-9]+([+-][0-9]+)?$`)
	accountPattern = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`) // useradd(8) of Debian
)

// keys are the keys that are there, with their positions.
func (w wirePackages) keys() map[string]diag.Position {
	m := map[string]diag.Position{}
	for _, k := range []struct {
		key string
		set bool
		pos diag.Position
	}{
		{"packages", w.Packages.set, w.Packages.pos},
		{"mode", w.Mode.set, w.Mode.pos},
		{"debian", w.Debian.set, w.Debian.pos},
		{"from", w.From.set, w.From.pos},
		{"exclude", w.Exclude.set, w.Exclude.pos},
		{"docs", w.Docs.set, w.Docs.pos},
		{"files", w.Files.set, w.Files.pos},
		{"users", w.Users.set, w.Users.pos},
		{"groups", w.Groups.set, w.Groups.pos},
		{"env", w.Env.set, w.Env.pos},
		{"entrypoint", w.Entrypoint.set, w.Entrypoint.pos},
		{"cmd", w.Cmd.set, w.Cmd.pos},
		{"user", w.User.set, w.User.pos},
		{"workdir", w.Workdir.set, w.Workdir.pos},
		{"ports", w.Ports.set, w.Ports.pos},
		{"stop-signal", w.StopSignal.set, w.StopSignal.pos},
	} {
		if k.set {
			m[k.key] = k.pos
		}
	}
	return m
}

func (l *loader) packages(w wirePackages, dir string) *Packages {
	p := &Packages{
		Mode: Mode(cmp.Or(w.Mode.v, string(Distroless))), Debian: w.Debian.v, DebianPos: w.Debian.pos,
		From: w.From.v, FromPos: w.From.pos, Docs: w.Docs.v, Pos: w.Packages.pos,
		Names: l.packageNames(w.Packages), Exclude: l.packageNames(w.Exclude),
		Entrypoint: words(w.Entrypoint), Cmd: words(w.Cmd), User: w.User.v, WorkingDir: w.Workdir.v,
		ExposedPorts: l.ports(w.Ports), StopSignal: w.StopSignal.v,
		Users: l.users(w.Users), Groups: l.groups(w.Groups),
	}
	if p.DebianPos.Line == 0 {
		p.DebianPos = p.Pos
	}
	if w.Debian.ok && !IsTemplate(p.Debian) {
		l.problems.Add(CheckDebian(p.Debian, p.DebianPos))
	}
	if w.From.ok && w.From.v == "" {
		l.fail(w.From.pos, "cannot use empty text as from").Hint("name an image of the catalog, or remove the key")
	}
	if w.User.ok && w.User.v == "" {
		l.fail(w.User.pos, "cannot use empty text as user")
	}
	if w.Workdir.ok && !path.IsAbs(w.Workdir.v) {
		l.fail(w.Workdir.pos, "cannot use %q as workdir: it is not absolute", w.Workdir.v).Hint("begin it with a slash")
	}
	if w.StopSignal.ok && !signalName(w.StopSignal.v) {
		l.fail(w.StopSignal.pos, "cannot use %q as stop-signal", w.StopSignal.v).Hint("write a name such as SIGTERM, or a number")
	}
	for _, f := range w.Files.items {
		p.Files = append(p.Files, l.file(f, dir))
	}
	for _, e := range w.Env.entries {
		if e.key == "" || strings.ContainsAny(e.key, "=\x00") {
			l.fail(e.pos, "cannot use %q as the name of an environment variable", e.key)
		}
		p.Env = append(p.Env, EnvVar{Name: e.key, Value: e.value.v, Pos: e.value.pos})
	}
	return p
}

// IsTemplate says whether s has to be expanded before it means anything.
func IsTemplate(s string) bool { return strings.Contains(s, "{{") }

// CheckDebian refuses a Debian release that plinth doesn't know.
func CheckDebian(release string, pos diag.Position) *diag.Error {
	if _, ok := debianReleases()[release]; ok {
		return nil
	}
	return diag.Errorf(pos, "cannot use Debian release %q", release).
		Hint("plinth knows %s", strings.Join(sorted(debianReleases()), " and "))
}

// CheckPackageName refuses what no Debian package is called (Debian policy 5.6.1).
func CheckPackageName(n Named) *diag.Error {
	ok := len(n.Name) >= 2 && isLowerAlnum(n.Name[0])
	for _, c := range []byte(n.Name) {
		ok = ok && (isLowerAlnum(c) || strings.IndexByte("+-.", c) >= 0)
	}
	if ok {
		return nil
	}
	return diag.Errorf(n.Pos, "cannot use %q as the name of a package", n.Name).
		Hint("names have lower-case letters, digits and + - . in them; plinth.lock holds the versions")
}

func isLowerAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func (l *loader) packageNames(items list[text]) []Named {
	var out []Named
	first := map[string]diag.Position{}
	for _, t := range items.items {
		if !t.ok {
			continue
		}
		n := Named{Name: t.v, Pos: t.pos}
		if before, ok := first[t.v]; ok {
			l.fail(t.pos, "cannot list the package %s twice: the first one is in line %d", t.v, before.Line).Hint("remove one of them")
			continue
		}
		first[t.v] = t.pos
		if !IsTemplate(t.v) {
			l.problems.Add(CheckPackageName(n))
		}
		out = append(out, n)
	}
	return out
}

func words(items list[scalar]) []string {
	var out []string
	for _, s := range items.items {
		out = append(out, s.v)
	}
	return out
}

func (l *loader) ports(items list[scalar]) []string {
	var out []string
	for _, s := range items.items {
		if !s.ok {
			continue
		}
		number, proto, found := strings.Cut(s.v, "/")
		if !found {
			proto = "tcp"
		}
		n, err := strconv.ParseUint(number, 10, 16)
		port := strconv.FormatUint(n, 10) + "/" + proto
		switch {
		case err != nil || n == 0 || !slices.Contains([]string{"tcp", "udp", "sctp"}, proto):
			l.fail(s.pos, "cannot use %q as a port", s.v).Hint("write a number from 1 to 65535, with an optional /tcp, /udp or /sctp")
		case slices.Contains(out, port):
			l.fail(s.pos, "cannot list the port %s twice", port).Hint("remove one of them")
		default:
			out = append(out, port)
		}
	}
	return out
}

func signalName(s string) bool {
	if n, err := strconv.Atoi(s); err == nil {
		return n >= 1 && n <= 64
	}
	return signalPattern.MatchString(s)
}

func (l *loader) file(w wireFile, dir string) FileSpec {
	f := FileSpec{Path: w.Path.v, Source: w.Source.v, Content: w.Content.v, Mode: 0o644, Pos: w.pos}
	l.required(w.Path, w.pos, "path", "a file")
	if w.Path.v != "" && (!path.IsAbs(w.Path.v) || path.Clean(w.Path.v) != w.Path.v || w.Path.v == "/") {
		l.fail(w.Path.pos, "cannot use %q as the path of a file: want an absolute path without . and ..", w.Path.v)
	}
	switch {
	case w.Source.set && w.Content.set:
		l.fail(w.pos, "cannot use a file with both source and content").Hint("remove one of them")
	case !w.Source.set && !w.Content.set:
		l.fail(w.pos, "cannot use a file with neither source nor content").Hint("add source: FILE, or content: TEXT")
	case w.Source.ok && !IsTemplate(w.Source.v):
		l.problems.Add(CheckSource(l.root, dir, w.Source.v, w.Source.pos))
	}
	if w.Mode.ok {
		mode, err := strconv.ParseUint(strings.TrimPrefix(w.Mode.v, "0o"), 8, 32)
		if err != nil || mode > 0o7777 {
			l.fail(w.Mode.pos, "cannot use %q as mode", w.Mode.v).Hint("write it in octal, such as 0644")
		}
		f.Mode = fs.FileMode(mode)
	}
	if w.Owner.ok {
		uid, gid, found := strings.Cut(w.Owner.v, ":")
		var err1, err2 error
		f.UID, err1 = parseID(uid)
		f.GID, err2 = parseID(gid)
		if !found || err1 != nil || err2 != nil {
			l.fail(w.Owner.pos, "cannot use %q as owner", w.Owner.v).Hint("write uid:gid in numbers, in quotes, such as \"0:0\"")
		}
	}
	return f
}

// CheckSource refuses a source of files that is no regular file inside the
// image's folder dir under root, links followed.
func CheckSource(root, dir, source string, pos diag.Position) *diag.Error {
	if !filepath.IsLocal(filepath.FromSlash(source)) {
		return diag.Errorf(pos, "cannot use %q as source: it lies outside the image's folder", source).
			Hint("copy the file into %s", dir)
	}
	base, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(dir)))
	if err != nil {
		return diag.Errorf(pos, "cannot read %s: %w", dir, reason(err))
	}
	real, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(source)))
	if err != nil {
		e := diag.Errorf(pos, "cannot read the source %s: %w", source, reason(err))
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint("the path is relative to %s", dir)
		}
		return e
	}
	if real != base && !strings.HasPrefix(real, base+string(filepath.Separator)) {
		return diag.Errorf(pos, "cannot use %q as source: it is a link that leads outside the image's folder", source).
			Hint("copy the file into %s", dir)
	}
	info, err := os.Stat(real)
	if err != nil {
		return diag.Errorf(pos, "cannot read the source %s: %w", source, reason(err))
	}
	if !info.Mode().IsRegular() {
		return diag.Errorf(pos, "cannot use %q as source: it is not a file", source).Hint("list the files one by one")
	}
	return nil
}

func parseID(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

func (l *loader) id(s scalar, key string) int {
	if !s.ok {
		return 0
	}
	n, err := parseID(s.v)
	if err != nil {
		l.fail(s.pos, "cannot use %q as %s: want a number from 0 to 2147483647", s.v, key)
	}
	return n
}

func (l *loader) users(items list[wireUser]) []User {
	var out []User
	names, ids := map[string]bool{}, map[int]bool{}
	for _, w := range items.items {
		u := User{Name: w.Name.v, UID: l.id(w.UID, "uid"), Home: cmp.Or(w.Home.v, "/home/"+w.Name.v), Shell: cmp.Or(w.Shell.v, "/usr/sbin/nologin"), Pos: w.pos}
		u.GID = u.UID
		if w.GID.set {
			u.GID = l.id(w.GID, "gid")
		}
		l.account(w.Name, w.UID, w.pos, "a user", "uid", names, ids)
		for _, t := range []struct {
			text
			key string
		}{{w.Home, "home"}, {w.Shell, "shell"}} {
			if t.ok && !path.IsAbs(t.v) {
				l.fail(t.pos, "cannot use %q as %s: it is not absolute", t.v, t.key)
			}
		}
		out = append(out, u)
	}
	return out
}

func (l *loader) groups(items list[wireGroup]) []Group {
	var out []Group
	names, ids := map[string]bool{}, map[int]bool{}
	for _, w := range items.items {
		out = append(out, Group{Name: w.Name.v, GID: l.id(w.GID, "gid"), Pos: w.pos})
		l.account(w.Name, w.GID, w.pos, "a group", "gid", names, ids)
	}
	return out
}

// account checks the name and the number of a user or group against those before it.
func (l *loader) account(name text, id scalar, pos diag.Position, what, key string, names map[string]bool, ids map[int]bool) {
	l.required(name, pos, "name", what)
	if !id.set {
		l.fail(pos, "cannot use %s without the key %s", what, key)
	}
	if name.v != "" && !accountPattern.MatchString(name.v) {
		l.fail(name.pos, "cannot use %q as the name of %s", name.v, what).Hint("names have lower-case letters, digits, _ and -")
	}
	if names[name.v] && name.v != "" {
		l.fail(name.pos, "cannot add %s named %s twice", what, name.v).Hint("remove one of them")
	}
	names[name.v] = true
	if n, err := parseID(id.v); err == nil {
		if ids[n] {
			l.fail(id.pos, "cannot use the %s %d twice", key, n)
		}
		ids[n] = true
	}
}
