package catalog

// Flavours: folders under flavours/ with a small Dockerfile, and which images have which.

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
)

// flavours reads the folder of the flavours; it need not be there.
func (l *loader) flavours() map[string]*Flavour {
	out := map[string]*Flavour{}
	entries, err := os.ReadDir(filepath.Join(l.root, FlavoursDir))
	if errors.Is(err, fs.ErrNotExist) {
		return out
	}
	if err != nil {
		l.fail(diag.Position{File: FlavoursDir}, "cannot read the folder: %w", reason(err)).Hint("mend its permissions")
		return out
	}
	for _, e := range entries {
		dir := path.Join(FlavoursDir, e.Name())
		info, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(dir)))
		if err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if f := l.flavour(e.Name(), dir); f != nil {
			out[f.Name] = f
		}
	}
	return out
}

func (l *loader) flavour(name, dir string) *Flavour {
	file := path.Join(dir, DockerfileFile)
	if _, err := os.Lstat(filepath.Join(l.root, filepath.FromSlash(file))); err != nil {
		l.fail(diag.Position{File: dir}, "cannot use the flavour %s: it has no Dockerfile", name).
			Hint("begin one with: ARG BASE, then FROM ${BASE}")
		return nil
	}
	if !isFlavourName(name) {
		l.fail(diag.Position{File: dir}, "cannot use %q as the name of a flavour", name).
			Hint("flavours have lower-case letters and digits, with - between them")
		return nil
	}
	f := &Flavour{Name: name, Dir: dir, Pos: diag.Position{File: file}}
	if data, ok := l.readFile(file); ok {
		df, err := dockerfile.Parse(file, data)
		l.problems.AddErr(err)
		f.Dockerfile = df
	}
	settings := path.Join(dir, ImageFile)
	if _, err := os.Lstat(filepath.Join(l.root, filepath.FromSlash(settings))); err == nil {
		l.flavourSettings(f, settings)
	}
	if f.Dockerfile == nil {
		return nil
	}
	return f
}

// flavourSettings reads the keys of image.yaml that say something about a flavour.
func (l *loader) flavourSettings(f *Flavour, file string) {
	data, ok := l.readFile(file)
	if !ok {
		return
	}
	var w wireImage
	decodeYAML(file, data, &w, &l.problems)
	f.Title, f.Description = w.Title.v, w.Description.v
	f.Args, f.ArgPos = values(w.Args), positions(w.Args)
	f.Labels, f.LabelPos = values(w.Labels), positions(w.Labels)
	f.Refresh, f.Squash, f.Temp = Refresh(w.Refresh.v), Squash(w.Squash.v), l.temp(w.Temp)
	l.checkArgs(w.Args, "args")
	l.checkKeys(w.Labels, "labels")
	wrong := w.wirePackages.keys()
	for _, k := range []struct {
		key string
		set bool
		pos diag.Position
	}{
		{"owners", w.Owners.set, w.Owners.pos}, {"matrix", w.Matrix.set, w.Matrix.pos}, {"name", w.Name.set, w.Name.pos},
		{"target", w.Target.set, w.Target.pos}, {"platforms", w.Platforms.set, w.Platforms.pos},
		{"flavours", w.Flavours.set, w.Flavours.pos}, {"default-flavour", w.DefaultFlavour.set, w.DefaultFlavour.pos},
		{"tags", w.Tags.set, w.Tags.pos}, {"version", w.Version.set, w.Version.pos}, {"contexts", w.Contexts.set, w.Contexts.pos},
	} {
		if k.set {
			wrong[k.key] = k.pos
		}
	}
	for _, key := range slices.Sorted(maps.Keys(wrong)) {
		l.fail(wrong[key], "cannot use %s in a flavour: it belongs to the image that the flavour is laid over", key).
			Hint("remove the key")
	}
}

// isFlavourName: flavours become parts of image names and are joined with + in lists.
func isFlavourName(s string) bool {
	for _, part := range strings.Split(s, "-") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// flavourUses reads a list such as [unprivileged, init+telemetry].
func (l *loader) flavourUses(items list[text]) []FlavourUse {
	var out []FlavourUse
	for _, t := range items.items {
		use := FlavourUse{Name: t.v, Parts: strings.Split(t.v, "+"), Pos: t.pos}
		switch {
		case !t.ok:
		case hasFlavour(out, t.v):
			l.fail(t.pos, "cannot use the flavour %s twice", t.v).Hint("remove one of them")
		default:
			out = append(out, use)
		}
	}
	return out
}

func hasFlavour(uses []FlavourUse, name string) bool {
	return slices.ContainsFunc(uses, func(u FlavourUse) bool { return u.Name == name })
}

// checkFlavours reports flavours that there are not, and a default that is not
// among those used; at is where the default is named.
func (l *loader) checkFlavours(uses []FlavourUse, standard string, at diag.Position) {
	names := slices.Sorted(maps.Keys(l.known))
	for _, use := range uses {
		seen := map[string]bool{}
		for _, part := range use.Parts {
			_, ok := l.known[part]
			switch {
			case seen[part]:
				l.fail(use.Pos, "cannot lay the flavour %s over itself in %s", part, use.Name).Hint("name it once")
			case !ok:
				e := l.fail(use.Pos, "cannot find the flavour %s: there is no folder %s", part, path.Join(FlavoursDir, part))
				if near := diag.Nearest(part, names); near != "" {
					e.Hint("did you mean %s?", near)
				} else {
					e.Hint("make %s/Dockerfile, with ARG BASE and FROM ${BASE}", path.Join(FlavoursDir, part))
				}
			}
			seen[part] = true
		}
	}
	if standard != "" && !hasFlavour(uses, standard) {
		l.fail(at, "cannot use %s as the default flavour: it is not one of flavours", standard).
			Hint("add it to flavours:, or remove default-flavour")
	}
}

// temp reads paths that never reach a layer.
func (l *loader) temp(items list[text]) []string {
	var out []string
	for _, t := range items.items {
		clean := path.Clean(t.v)
		switch {
		case !t.ok:
		case !path.IsAbs(t.v):
			l.fail(t.pos, "cannot use %q as a temp path: it is not absolute", t.v).Hint("begin it with a slash")
		case clean == "/":
			l.fail(t.pos, "cannot use / as a temp path: nothing would be left of the image")
		case slices.Contains([]string{"proc", "sys", "dev"}, strings.Split(clean, "/")[1]):
			l.fail(t.pos, "cannot use %s as a temp path: the kernel's files are there", clean)
		case slices.Contains(out, clean):
			l.fail(t.pos, "cannot use the temp path %s twice", clean).Hint("remove one of them")
		default:
			out = append(out, clean)
		}
	}
	return out
}

// tags reads templates of tags. What they give is checked when they are filled in.
func (l *loader) tags(items list[text]) []string {
	var out []string
	for _, t := range items.items {
		switch {
		case !t.ok:
		case t.v == "":
			l.fail(t.pos, "cannot use empty text as a tag")
		case slices.Contains(out, t.v):
			l.fail(t.pos, "cannot use the tag %s twice", t.v).Hint("remove one of them")
		default:
			out = append(out, t.v)
		}
	}
	if items.ok && len(items.items) == 0 {
		l.fail(items.pos, "cannot use an empty list as tags: an image needs one").Hint("remove the key to use latest")
	}
	return out
}

// secrets reads where build secrets come from, in the words of --secret.
func (l *loader) secrets(w dict[text]) []SecretSource {
	var out []SecretSource
	for _, e := range w.entries {
		if !e.value.ok {
			continue
		}
		s := SecretSource{ID: e.key, Pos: e.value.pos}
		how, what, _ := strings.Cut(e.value.v, "=")
		switch {
		case what != "" && how == "env":
			s.Env = what
		case what != "" && (how == "src" || how == "source"):
			s.File = what
			if !filepath.IsAbs(what) {
				s.File = filepath.Join(l.root, filepath.FromSlash(what))
			}
		default:
			l.fail(e.value.pos, "cannot read the secret %s: want env=NAME or src=FILE", e.key).
				Hint("a value itself does not belong into %s", ConfigFile)
			continue
		}
		out = append(out, s)
	}
	return out
}

// contexts reads more folders to copy from.
func (l *loader) contexts(w dict[text], img *Image) map[string]Context {
	var out map[string]Context
	for _, e := range w.entries {
		clean := path.Clean(filepath.ToSlash(e.value.v))
		info, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(clean)))
		switch {
		case !e.value.ok:
			continue
		case !filepath.IsLocal(e.value.v):
			l.fail(e.value.pos, "cannot use %q as a context: it leaves the catalog", e.value.v).
				Hint("contexts are folders of the catalog, relative to %s", ConfigFile)
		case err != nil:
			l.fail(e.value.pos, "cannot use %s as a context: %w", clean, reason(err))
		case !info.IsDir():
			l.fail(e.value.pos, "cannot use %s as a context: it is not a folder", clean)
		case e.key != strings.ToLower(e.key) || strings.ContainsAny(e.key, "/:@ ") || e.key == "":
			l.fail(e.pos, "cannot use %q as the name of a context", e.key).
				Hint("names have lower-case letters, digits, - and _, as COPY --from=NAME takes them")
		case img.Dockerfile != nil && slices.ContainsFunc(img.Dockerfile.Stages, func(s dockerfile.Stage) bool { return s.Name == e.key }):
			l.fail(e.pos, "cannot use %s as the name of a context: a stage of the Dockerfile has it", e.key).Hint("choose another name")
		default:
			if out == nil {
				out = map[string]Context{}
			}
			out[e.key] = Context{Dir: clean, Pos: e.value.pos}
		}
	}
	return out
}
