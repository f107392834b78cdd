package graph

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
)

// builder carries what the steps of Build share.
type builder struct {
	catalog  *catalog.Catalog
	ours     []string // normalised prefixes with a slash behind them
	byName   map[string]*Target
	triggers map[*dockerfile.File][]dockerfile.Trigger
	names    []string
	problems diag.List

	overrides []Override
	overrode  []bool // which of them matched a target
}

// targets expands the matrix of each image.
func (b *builder) targets() []*Target {
	var out []*Target
	for _, img := range b.catalog.Images {
		for _, values := range combinations(img.Matrix) {
			plain := b.target(img, values)
			if plain == nil {
				continue
			}
			for _, t := range append([]*Target{plain}, b.flavours(plain)...) {
				if first, ok := b.byName[t.Name]; ok {
					b.claimed(first, t)
					continue
				}
				b.byName[t.Name] = t
				b.override(t)
				out = append(out, t)
			}
		}
	}
	b.names = slices.Sorted(maps.Keys(b.byName))
	return out
}

// claimed reports a name that two targets have.
func (b *builder) claimed(first, second *Target) {
	e := diag.Errorf(second.Pos, "cannot use the name %q twice: %s has it too", second.Name, first.Pos)
	switch {
	case second.Flavour != "" || first.Flavour != "":
		e.Hint("flavours make names too: rename one, or set flavour-name: in %s", catalog.ConfigFile)
	case first.Image == second.Image:
		e.Hint("put every axis of the matrix into name:, such as {{.%s}}", second.Image.Matrix[0].Name)
	case second.Image.NameTemplate == "":
		e.Hint("rename one of the folders, set name: in %s/%s, or name the image folders under images: in %s",
			second.Image.Dir, catalog.ImageFile, catalog.ConfigFile)
	default:
		e.Hint("change name: in one of them")
	}
	b.problems.Add(e)
}

// combinations is the cartesian product of the axes in the order written, the
// last axis changing fastest. No axes give one empty combination.
func combinations(axes []catalog.Axis) [][]string {
	out := [][]string{nil}
	for _, axis := range axes {
		var longer [][]string
		for _, prefix := range out {
			for _, v := range axis.Values {
				longer = append(longer, append(slices.Clip(prefix), v))
			}
		}
		out = longer
	}
	return out
}

// plainSuffix is put behind the name of a plain target whose name a flavour has.
const plainSuffix = "-plain"

// The labels that the graph fills in.
const (
	titleLabel       = "org.opencontainers.image.title"
	descriptionLabel = "org.opencontainers.image.description"
	versionLabel     = "org.opencontainers.image.version"
)

// repositoryName is a path component of the OCI distribution specification, 1.1.0.
var repositoryName = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$`)

// target makes one target; nil after a problem was reported.
func (b *builder) target(img *catalog.Image, combination []string) *Target {
	t := &Target{
		Image: img, Values: map[string]string{}, Platform: img.Platforms[0], Dir: img.Dir, ContextDir: contextDir(b.catalog, img.Dir),
		Stage: img.Target, Refresh: img.Refresh, Pos: img.NamePos,
		Tags: img.Tags, TagsPos: img.TagsPos, Squash: img.Squash, Temp: img.Temp, noTemp: img.NoTemp,
	}
	for i, axis := range img.Matrix {
		t.Values[axis.Name] = combination[i]
	}
	if img.Dockerfile != nil {
		t.Dockerfile, t.DockerfilePath = img.Dockerfile, img.Dockerfile.Path
	}
	x := expander{data: maps.Clone(t.Values), problems: &b.problems}
	x.data["Image"] = img.Name
	before := b.problems.Len()

	t.Name = strings.Join(append([]string{img.Name}, combination...), "-")
	if img.NameTemplate != "" {
		t.Name = x.text(img.NameTemplate, img.NamePos)
	}
	if img.DefaultFlavour != "" {
		// FROM NAME means the plain one in this catalog, to everybody else it is the flavour
		t.Name, t.Internal = t.Name+plainSuffix, true
	}
	if b.problems.Len() == before && !repositoryName.MatchString(t.Name) {
		e := diag.Errorf(t.Pos, "cannot use %q as the name of an image", t.Name)
		if lower := strings.ToLower(t.Name); img.NameTemplate == "" && repositoryName.MatchString(lower) {
			e.Hint("names are lower case: set name: %s in %s/%s", lower, img.Dir, catalog.ImageFile)
		} else {
			e.Hint("names have lower-case letters and digits, with single . or _, or - between them")
		}
		b.problems.Add(e)
	}
	t.Args = x.args(b.catalog.Config.Args, img)
	maps.Copy(t.Args, t.Values)
	t.Labels = x.labels(img.MergedLabels(b.catalog.Config), img)
	t.Title, t.Version = t.Labels[titleLabel], x.text(img.Version, img.VersionPos)
	if t.Version != "" {
		t.Labels[versionLabel] = t.Version
	}
	if img.Packages != nil {
		t.Packages = x.packages(img.Packages, b.catalog.Root, img.Dir)
	}
	if b.problems.Len() != before {
		return nil
	}
	return t
}

// expander fills templates with the values of one target.
type expander struct {
	data     map[string]string
	problems *diag.List
}

// text expands s; what has no braces costs nothing.
func (x expander) text(s string, pos diag.Position) string {
	if !catalog.IsTemplate(s) {
		return s
	}
	tmpl, err := template.New("").Option("missingkey=error").Parse(s)
	if err != nil {
		x.fail(pos, s, err).Hint(`write {{"{{"}} for two braces that are meant as they are`)
		return s
	}
	var out strings.Builder
	if err := tmpl.Execute(&out, x.data); err != nil {
		e := x.fail(pos, s, err)
		known := make([]string, 0, len(x.data))
		for _, k := range slices.Sorted(maps.Keys(x.data)) {
			known = append(known, "{{."+k+"}}")
		}
		e.Hint("it may use %s", strings.Join(known, ", "))
		return s
	}
	return out.String()
}

func (x expander) fail(pos diag.Position, s string, err error) *diag.Error {
	// text/template puts "template: :1:2: executing "" at <.x>: " in front
	reason := err.Error()
	if i := strings.LastIndex(reason, ">: "); i >= 0 {
		reason = reason[i+3:]
	} else if rest, ok := strings.CutPrefix(reason, "template: :"); ok {
		if _, after, found := strings.Cut(rest, ": "); found {
			reason = after
		}
	}
	e := diag.Errorf(pos, "cannot expand %q: %s", s, reason)
	x.problems.Add(e)
	return e
}

func (x expander) args(common map[string]string, img *catalog.Image) map[string]string {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(common)) {
		out[k] = x.text(common[k], diag.Position{File: catalog.ConfigFile})
	}
	for _, k := range slices.Sorted(maps.Keys(img.Args)) {
		out[k] = x.text(img.Args[k], img.ArgPos[k])
	}
	return out
}

func (x expander) labels(merged map[string]string, img *catalog.Image) map[string]string {
	out := make(map[string]string, len(merged))
	for _, k := range slices.Sorted(maps.Keys(merged)) {
		pos, ok := img.LabelPos[k]
		if !ok {
			pos = img.Pos
		}
		out[k] = x.text(merged[k], pos)
	}
	return out
}

// packages is p with its templates filled in, and with the checks that had to wait for that.
func (x expander) packages(p *catalog.Packages, root, dir string) *catalog.Packages {
	q := *p
	q.Debian = x.text(p.Debian, p.DebianPos)
	if catalog.IsTemplate(p.Debian) {
		x.problems.Add(catalog.CheckDebian(q.Debian, p.DebianPos))
	}
	q.From = x.text(p.From, p.FromPos)
	q.Names = x.names(p.Names)
	q.Exclude = x.names(p.Exclude)
	q.Env = slices.Clone(p.Env)
	for i, e := range q.Env {
		q.Env[i].Value = x.text(e.Value, e.Pos)
	}
	q.Files = slices.Clone(p.Files)
	for i, f := range q.Files {
		q.Files[i].Content = x.text(f.Content, f.Pos)
		q.Files[i].Source = x.text(f.Source, f.Pos)
		if catalog.IsTemplate(f.Source) {
			x.problems.Add(catalog.CheckSource(root, dir, q.Files[i].Source, f.Pos))
		}
	}
	return &q
}

func (x expander) names(names []catalog.Named) []catalog.Named {
	var out []catalog.Named
	for _, n := range names {
		expanded := catalog.Named{Name: x.text(n.Name, n.Pos), Pos: n.Pos}
		if catalog.IsTemplate(n.Name) {
			x.problems.Add(catalog.CheckPackageName(expanded))
		}
		out = append(out, expanded)
	}
	return out
}
