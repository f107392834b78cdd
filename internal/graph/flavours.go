package graph

// Flavours: small Dockerfiles that are laid over finished targets. Each of them
// is a target of its own that stands on what it is laid over by way of the build
// argument BASE, and on which nothing stands.

import (
	"maps"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

// baseArg is the build argument that tells a flavour's Dockerfile what to stand on.
const baseArg = "BASE"

// flavours makes the flavours of a plain target. A combination such as
// init+telemetry is laid over the target of its front part; one that the
// catalog does not list is made for that alone.
func (b *builder) flavours(plain *Target) []*Target {
	var out []*Target
	made := map[string]*Target{"": plain}
	for _, use := range plain.Image.Flavours {
		under := plain
		for i := range use.Parts {
			name := strings.Join(use.Parts[:i+1], "+")
			t := made[name]
			if t == nil {
				if t = b.flavour(under, name, use); t == nil {
					break
				}
				t.Internal = true
				made[name] = t
				out = append(out, t)
			}
			under = t
		}
		if t := made[use.Name]; t != nil {
			t.Internal, t.Pos = false, use.Pos
		}
	}
	return out
}

// flavour lays the last part of name over a target; nil after a problem was reported.
func (b *builder) flavour(under *Target, name string, use catalog.FlavourUse) *Target {
	f := b.catalog.Flavours[name[strings.LastIndex(name, "+")+1:]]
	plain, img := under.Plain(), under.Image
	public := strings.TrimSuffix(plain.Name, plainSuffix)
	if img.DefaultFlavour == "" {
		public = plain.Name
	}
	t := &Target{
		Image: img, Flavour: name, Values: plain.Values, Platform: plain.Platform,
		Dockerfile: f.Dockerfile, DockerfilePath: f.Dockerfile.Path, Dir: f.Dir, ContextDir: contextDir(b.catalog, f.Dir),
		Refresh: img.Refresh, Pos: use.Pos, Under: under, Version: plain.Version,
		Tags: plain.Tags, TagsPos: plain.TagsPos, Squash: b.catalog.Config.Squash, Temp: f.Temp,
	}
	if f.Refresh != "" {
		t.Refresh = f.Refresh
	}
	if f.Squash != "" {
		t.Squash = f.Squash
	}
	before := b.problems.Len()
	x := expander{data: maps.Clone(plain.Values), problems: &b.problems}
	x.data["Image"], x.data["Name"] = img.Name, public
	x.data["Flavour"] = strings.ReplaceAll(name, "+", "-")
	if name == img.DefaultFlavour {
		t.Name = public
	} else {
		t.Name = x.text(b.catalog.Config.FlavourName, b.catalog.Config.FlavourNamePos)
	}
	if b.problems.Len() == before && !repositoryName.MatchString(t.Name) {
		b.problems.Add(diag.Errorf(b.catalog.Config.FlavourNamePos, "cannot use %q as the name of an image", t.Name).
			Hint("names have lower-case letters and digits, with single . or _, or - between them"))
	}
	b.flavourValues(t, f, x)
	if b.problems.Len() != before {
		return nil
	}
	return t
}

// flavourValues fills in arguments and labels: those of the catalog, of the
// flavour over them, and of the image over both.
func (b *builder) flavourValues(t *Target, f *catalog.Flavour, x expander) {
	plain := t.Plain()
	t.Args = x.args(b.catalog.Config.Args, &catalog.Image{Args: f.Args, ArgPos: f.ArgPos})
	for _, key := range slices.Sorted(maps.Keys(t.Image.Args)) {
		t.Args[key] = plain.Args[key]
	}
	maps.Copy(t.Args, t.Values)
	t.Args[baseArg] = b.catalog.Config.Registry + "/" + t.Under.Name

	t.Labels = maps.Clone(plain.Labels)
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		if _, own := t.Image.Labels[key]; !own {
			t.Labels[key] = x.text(f.Labels[key], f.LabelPos[key])
		}
	}
	what := f.Title
	if what == "" {
		what = strings.ReplaceAll(t.Flavour, "+", ", ")
	}
	if title := plain.Labels[titleLabel]; title != "" {
		t.Labels[titleLabel] = title + " (" + what + ")"
	}
	t.Title = t.Labels[titleLabel]
	if f.Description != "" {
		t.Labels[descriptionLabel] = strings.TrimSpace(plain.Labels[descriptionLabel] + " " + f.Description)
	}
}
