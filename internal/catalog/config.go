package catalog

import (
	"cmp"
	"encoding/hex"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

// config turns plinth.yaml into the model.
func (l *loader) config(data []byte) Config {
	var w wireConfig
	if decodeYAML(ConfigFile, data, &w, &l.problems) && !w.Registry.set {
		l.fail(diag.Position{File: ConfigFile, Line: 1, Column: 1}, "cannot use %s: the key registry is missing", ConfigFile).
			Hint("say where releases go: registry: registry.example.com/base")
	}
	c := Config{
		Registry:  l.prefix(w.Registry, "the registry"),
		Args:      values(w.Args),
		Labels:    values(w.Labels),
		Platforms: l.platforms(w.Platforms),
		Refresh:   Refresh(cmp.Or(w.Refresh.v, string(Weekly))),
		Debian:    l.debian(w.Debian),
		State:     l.state(w.State),

		Flavours: l.flavourUses(w.Flavours), FlavourName: cmp.Or(w.FlavourName.v, "{{.Name}}-{{.Flavour}}"), FlavourNamePos: w.FlavourName.pos,
		DefaultFlavour: w.DefaultFlavour.v,
		Squash:         Squash(cmp.Or(w.Squash.v, string(SquashOwn))),
		Temp:           l.temp(w.Temp), Tags: l.tags(w.Tags), TagsPos: w.Tags.pos,
		Secrets: l.secrets(w.Secrets),
		Lint:    l.lint(w.Lint),
	}
	l.defaultFlavourPos = w.DefaultFlavour.pos
	if c.Tags == nil {
		c.Tags = []string{"latest"}
	}
	if w.FlavourName.ok && w.FlavourName.v == "" {
		l.fail(w.FlavourName.pos, "cannot use empty text as flavour-name").Hint("remove the key to use %s", "{{.Name}}-{{.Flavour}}")
	}
	l.checkArgs(w.Args, "args")
	l.checkKeys(w.Labels, "labels")
	for _, a := range w.Aliases.items {
		a.v = strings.TrimSuffix(a.v, "/*")
		if p := l.prefix(a, "an alias"); p != "" {
			c.Aliases = append(c.Aliases, p)
		}
	}
	for _, g := range w.Images.items {
		if l.glob(g) {
			c.Images = append(c.Images, strings.TrimSuffix(g.v, "/"))
			l.globs = append(l.globs, g.pos)
		}
	}
	if len(c.Platforms) == 0 {
		c.Platforms = []ociref.Platform{ociref.Host()}
	}
	return c
}

// prefix checks a registry with an optional path by putting a name behind it.
func (l *loader) prefix(t text, key string) string {
	ref, err := ociref.Parse(t.v + "/x")
	switch {
	case !t.ok:
	case t.v == "":
		l.fail(t.pos, "cannot use empty text as %s", key).Hint("write it as registry.example.com/base")
	case strings.Contains(t.v, "://"):
		l.fail(t.pos, "cannot use %q as %s: it is a URL", t.v, key).Hint("leave out the scheme: %s", t.v[strings.Index(t.v, "://")+3:])
	case t.v != strings.ToLower(t.v):
		l.fail(t.pos, "cannot use %q as %s: it is not in lower case", t.v, key).Hint("write it as registry.example.com/base: no scheme, no tag, lower case")
	case err != nil:
		l.fail(t.pos, "cannot use %q as %s: %w", t.v, key, err).Hint("write it as registry.example.com/base: no scheme, no tag, lower case")
	case strings.HasPrefix(ref.Repository(), "docker.io/library/"):
		l.fail(t.pos, "cannot use %q as %s: Docker's official images have that prefix", t.v, key)
	default:
		return t.v
	}
	return ""
}

func (l *loader) glob(g text) bool {
	switch _, err := path.Match(g.v, ""); {
	case !g.ok:
	case g.v == "":
		l.fail(g.pos, "cannot use an empty glob")
	case err != nil:
		l.fail(g.pos, "cannot use the glob %q: %w", g.v, err)
	case path.IsAbs(g.v) || slices.Contains(strings.Split(g.v, "/"), ".."):
		l.fail(g.pos, "cannot use the glob %q: it leaves the catalog", g.v).Hint("globs are relative to the folder of %s", ConfigFile)
	default:
		return true
	}
	return false
}

func (l *loader) globPos(i int) diag.Position { return l.globs[i] }

// platforms reads the one platform that can be built for.
func (l *loader) platforms(items list[text]) []ociref.Platform {
	var out []ociref.Platform
	for _, t := range items.items {
		p, err := ociref.ParsePlatform(t.v)
		switch {
		case !t.ok:
		case err != nil:
			l.fail(t.pos, "%w", err)
		case p != ociref.Host():
			l.fail(t.pos, "cannot build for %s on this machine, which builds for %s", p, ociref.Host())
		case slices.Contains(out, p):
			l.fail(t.pos, "cannot use the platform %s twice", p).Hint("remove one of them")
		default:
			out = append(out, p)
		}
	}
	if len(items.items) > 1 {
		l.fail(items.pos, "cannot build for more than one platform: %d are listed", len(items.items)).
			Hint("keep one of them")
	}
	return out
}

func (l *loader) state(t text) string {
	clean := path.Clean(filepath.ToSlash(t.v))
	switch {
	case !t.ok:
		return DefaultState
	case t.v == "":
		l.fail(t.pos, "cannot use empty text as the state folder").Hint("remove the key to use %s", DefaultState)
	case !path.IsAbs(clean) && !filepath.IsLocal(t.v):
		l.fail(t.pos, "cannot use %q as the state folder: it leaves the catalog", t.v).
			Hint("write a folder in the catalog, or an absolute path")
	case clean == "." || path.IsAbs(clean) && strings.HasPrefix(filepath.ToSlash(l.root)+"/", strings.TrimSuffix(clean, "/")+"/"):
		l.fail(t.pos, "cannot use %q as the state folder: the catalog lies in it", t.v).
			Hint("name a folder of its own, such as %s", DefaultState)
	}
	return clean
}

// debianReleases are the releases that plinth knows, with the names of their suites.
func debianReleases() map[string]string {
	return map[string]string{"12": "bookworm", "13": "trixie"}
}

func (l *loader) debian(w wireDebian) DebianConfig {
	c := DebianConfig{Releases: map[string]DebianRelease{}}
	for number, suite := range debianReleases() {
		c.Releases[number] = DebianRelease{Sources: []DebianSource{
			{URI: "http://deb.debian.org/debian", Suite: suite, Components: []string{"main"}},
			{URI: "http://deb.debian.org/debian", Suite: suite + "-updates", Components: []string{"main"}},
			{URI: "http://deb.debian.org/debian-security", Suite: suite + "-security", Components: []string{"main"}},
		}}
	}
	for _, e := range w.Releases.entries {
		if _, ok := debianReleases()[e.key]; !ok {
			l.fail(e.pos, "cannot use Debian release %q", e.key).Hint("plinth knows %s", strings.Join(sorted(debianReleases()), " and "))
			continue
		}
		c.Releases[e.key] = l.release(e)
	}
	if w.Keyring.set {
		c.Keyring = l.keyring(w.Keyring)
	}
	for _, s := range w.Signers.items {
		finger := strings.ToUpper(strings.ReplaceAll(s.v, " ", ""))
		if raw, err := hex.DecodeString(finger); err != nil || len(raw) != 20 && len(raw) != 32 {
			l.fail(s.pos, "cannot read the fingerprint %q: want 40 or 64 hex digits", s.v).
				Hint("gpg --show-keys KEYRING prints fingerprints")
			continue
		}
		c.Signers = append(c.Signers, finger)
	}
	return c
}

func (l *loader) release(e entry[wireRelease]) DebianRelease {
	var r DebianRelease
	if len(e.value.Sources.items) == 0 && e.value.Sources.ok == e.value.Sources.set {
		l.fail(e.pos, "cannot use Debian release %s: it has no sources", e.key).
			Hint("add sources: [{uri: …, suite: …}], or remove the release to use the default")
	}
	for _, w := range e.value.Sources.items {
		s := DebianSource{URI: w.URI.v, Suite: w.Suite.v}
		l.required(w.URI, w.pos, "uri", "a source")
		l.required(w.Suite, w.pos, "suite", "a source")
		if u, err := url.Parse(w.URI.v); w.URI.v != "" && (err != nil || !slices.Contains([]string{"http", "https", "file"}, u.Scheme)) {
			l.fail(w.URI.pos, "cannot use %q as uri: want http://, https:// or file://", w.URI.v)
		}
		for _, c := range w.Components.items {
			s.Components = append(s.Components, c.v)
		}
		if len(s.Components) == 0 {
			s.Components = []string{"main"}
		}
		r.Sources = append(r.Sources, s)
	}
	return r
}

// keyring is a file in the catalog.
func (l *loader) keyring(t text) string {
	clean := path.Clean(filepath.ToSlash(t.v))
	switch info, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(clean))); {
	case !t.ok:
	case !filepath.IsLocal(t.v):
		l.fail(t.pos, "cannot use the keyring %q: it lies outside the catalog", t.v).Hint("copy it into the catalog")
	case err != nil:
		l.fail(t.pos, "cannot read the keyring %s: %w", t.v, reason(err))
	case !info.Mode().IsRegular():
		l.fail(t.pos, "cannot read the keyring %s: it is not a file", t.v)
	}
	return clean
}

// required reports a key that is missing or empty in the mapping at pos.
func (l *loader) required(t text, pos diag.Position, key, what string) {
	switch {
	case !t.set:
		l.fail(pos, "cannot use %s without the key %s", what, key)
	case t.ok && t.v == "":
		l.fail(t.pos, "cannot use empty text as %s", key)
	}
}

// checkArgs reports keys that no ARG can have.
func (l *loader) checkArgs(d dict[scalar], key string) {
	for _, e := range d.entries {
		if !isIdentifier(e.key) {
			l.fail(e.pos, "cannot use %q as a name in %s", e.key, key).Hint("names have letters, digits and _, and start with no digit")
		}
	}
}

func (l *loader) checkKeys(d dict[scalar], key string) {
	for _, e := range d.entries {
		if e.key == "" {
			l.fail(e.pos, "cannot use an empty name in %s", key)
		}
	}
}

func isIdentifier(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func values(d dict[scalar]) map[string]string {
	m := make(map[string]string, len(d.entries))
	for _, e := range d.entries {
		m[e.key] = e.value.v
	}
	return m
}
