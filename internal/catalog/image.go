package catalog

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
)

// image reads one folder. It returns nil when the folder is no usable image, after it has said why.
func (l *loader) image(f folder, c Config) *Image {
	var (
		w       wireImage
		pos     = diag.Position{File: path.Join(f.dir, DockerfileFile)}
		readAll = true
	)
	if f.hasImageFile {
		pos = diag.Position{File: path.Join(f.dir, ImageFile)}
		data, ok := l.readFile(pos.File)
		readAll = ok && decodeYAML(pos.File, data, &w, &l.problems)
	}
	img := l.facts(f, w, pos)
	if f.hasDockerfile {
		name := path.Join(f.dir, DockerfileFile)
		if data, ok := l.readFile(name); ok {
			df, err := dockerfile.Parse(name, data)
			l.problems.AddErr(err)
			img.Dockerfile = df
		}
	}
	l.inherit(img, w, c)
	switch {
	case !readAll:
		return nil
	case f.hasDockerfile && w.Packages.set:
		l.fail(w.Packages.pos, "cannot build %s from packages: the folder has a Dockerfile as well", img.Name).
			Hint("remove either the Dockerfile or the key packages")
	case f.hasDockerfile:
		l.refusePackageKeys(w)
		if img.Dockerfile == nil {
			return nil
		}
		if _, err := img.Dockerfile.Triggers(w.Target.v); err != nil && w.Target.ok {
			l.misplaced(err, w.Target.pos)
		}
	case !w.Packages.set:
		l.fail(pos, "cannot build %s: the folder has neither a Dockerfile nor the key packages", img.Name).
			Hint("add a Dockerfile, or packages: [base-files, …] to %s", ImageFile)
		return nil
	default:
		if w.Target.set {
			l.fail(w.Target.pos, "cannot use target in an image without a Dockerfile").Hint("remove the key")
		}
		if w.Contexts.set {
			l.fail(w.Contexts.pos, "cannot use contexts in an image without a Dockerfile").Hint("remove the key")
		}
		img.Packages = l.packages(w.wirePackages, f.dir)
	}
	return img
}

// inherit fills in what the catalog says where the image says nothing.
func (l *loader) inherit(img *Image, w wireImage, c Config) {
	img.Refresh = cmp.Or(img.Refresh, c.Refresh)
	if len(img.Platforms) == 0 {
		img.Platforms = c.Platforms
	}
	img.Squash = cmp.Or(Squash(w.Squash.v), c.Squash)
	img.Temp, img.NoTemp = l.temp(w.Temp), w.Temp.ok && len(w.Temp.items) == 0
	img.Tags, img.TagsPos = l.tags(w.Tags), w.Tags.pos
	if img.Tags == nil {
		img.Tags, img.TagsPos = c.Tags, c.TagsPos
	}
	img.Flavours, img.DefaultFlavour = c.Flavours, c.DefaultFlavour
	if w.Flavours.set {
		img.Flavours = l.flavourUses(w.Flavours)
	}
	at := w.Flavours.pos
	if w.DefaultFlavour.set {
		img.DefaultFlavour, at = w.DefaultFlavour.v, w.DefaultFlavour.pos
	} else if w.Flavours.set && !hasFlavour(img.Flavours, img.DefaultFlavour) {
		img.DefaultFlavour = "" // the catalog's is not among those of this image
	}
	if w.Flavours.set || w.DefaultFlavour.set {
		l.checkFlavours(img.Flavours, img.DefaultFlavour, at)
	}
	img.Contexts = l.contexts(w.Contexts, img)
}

// misplaced moves the errors about a stage that image.yaml names to where it names it.
func (l *loader) misplaced(err error, pos diag.Position) {
	for _, e := range diag.Flatten(err) {
		moved := *e
		if moved.Pos.Line == 0 {
			moved.Pos = pos
		}
		l.problems.Add(&moved)
	}
}

// facts are what image.yaml says about any image.
func (l *loader) facts(f folder, w wireImage, pos diag.Position) *Image {
	base := path.Base(f.dir)
	tier, name := splitTier(base)
	img := &Image{
		Dir: f.dir, Tier: tier, Name: name,
		Title: w.Title.v, Description: w.Description.v,
		Args: values(w.Args), Labels: values(w.Labels),
		NameTemplate: w.Name.v, Version: w.Version.v, Refresh: Refresh(w.Refresh.v), Target: w.Target.v,
		Platforms: l.platforms(w.Platforms),
		Pos:       pos, NamePos: pos, TargetPos: pos, VersionPos: pos,
		ArgPos: positions(w.Args), LabelPos: positions(w.Labels),
	}
	for _, t := range []struct {
		text
		key string
		pos *diag.Position
	}{
		{w.Version.text(), "version", &img.VersionPos}, {w.DefaultFlavour, "default-flavour", nil},
		{w.Title, "title", nil}, {w.Description, "description", nil}, {w.Name, "name", &img.NamePos}, {w.Target, "target", &img.TargetPos},
	} {
		if t.ok && t.v == "" {
			l.fail(t.text.pos, "cannot use empty text as %s", t.key).Hint("give it a value, or remove the key")
		}
		if t.ok && t.pos != nil {
			*t.pos = t.text.pos
		}
	}
	for _, o := range w.Owners.items {
		if o.ok && o.v == "" {
			l.fail(o.pos, "cannot use empty text as an owner")
		}
		img.Owners = append(img.Owners, o.v)
	}
	l.checkArgs(w.Args, "args")
	l.checkKeys(w.Labels, "labels")
	img.Matrix = l.matrix(w.Matrix, w.Args)
	return img
}

// splitTier takes the number off a folder's name: 0100-java17 is java17 in tier 0100.
func splitTier(base string) (tier, name string) {
	digits, rest, found := strings.Cut(base, "-")
	if !found || rest == "" || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", base
	}
	return digits, rest
}

func positions(d dict[scalar]) map[string]diag.Position {
	m := make(map[string]diag.Position, len(d.entries))
	for _, e := range d.entries {
		m[e.key] = e.value.pos
	}
	return m
}

// templateNames are what templates hold besides the axes of a matrix.
var templateNames = []string{"Image", "Name", "Flavour", "Version", "Date", "Commit", "BuildNumber"}

func (l *loader) matrix(w dict[list[scalar]], args dict[scalar]) []Axis {
	var axes []Axis
	for _, e := range w.entries {
		axis := Axis{Name: e.key, Pos: e.pos}
		switch {
		case slices.Contains(templateNames, e.key):
			l.fail(e.pos, "cannot call an axis %s: templates have something else under that name", e.key).Hint("choose another name")
		case !isIdentifier(e.key):
			l.fail(e.pos, "cannot use %q as an axis of the matrix", e.key).
				Hint("axes become build arguments: letters, digits and _, with no digit in front")
		}
		for _, a := range args.entries {
			if a.key == e.key {
				l.fail(a.pos, "cannot set the argument %s: it is an axis of the matrix", a.key).Hint("remove one of them")
			}
		}
		if e.value.ok && len(e.value.items) == 0 {
			l.fail(e.pos, "cannot use the axis %s: it has no values", e.key).Hint("give it a list of values, or remove it")
		}
		for _, v := range e.value.items {
			switch {
			case !v.ok:
				continue
			case v.v == "":
				l.fail(v.pos, "cannot use empty text as a value of the axis %s", e.key)
			case slices.Contains(axis.Values, v.v):
				l.fail(v.pos, "cannot use the value %q twice in the axis %s", v.v, e.key).Hint("remove one of them")
			}
			axis.Values = append(axis.Values, v.v)
		}
		axes = append(axes, axis)
	}
	return axes
}

// refusePackageKeys reports the keys that say nothing about an image with a Dockerfile.
func (l *loader) refusePackageKeys(w wireImage) {
	for key, pos := range w.wirePackages.keys() {
		l.fail(pos, "cannot use %s in an image with a Dockerfile: it is for images made of packages", key).
			Hint("write it in the Dockerfile, and remove the key")
	}
}

// imageLabels are the labels that the facts of an image become.
func (i *Image) imageLabels() map[string]string {
	m := map[string]string{}
	for key, value := range map[string]string{
		"org.opencontainers.image.title":       i.Title,
		"org.opencontainers.image.description": i.Description,
		"org.opencontainers.image.authors":     strings.Join(i.Owners, ", "),
	} {
		if value != "" {
			m[key] = value
		}
	}
	return m
}

// MergedLabels are the labels of the image: those of the catalog, those of
// image.yaml over them, and title, description and owners over both, under the
// keys of the OCI image specification.
func (i *Image) MergedLabels(c Config) map[string]string {
	m := maps.Clone(c.Labels)
	maps.Copy(m, i.Labels)
	maps.Copy(m, i.imageLabels())
	return m
}
