package lint

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// Doc is a Dockerfile as rules see it: its stages, its shell commands, and what it
// stands on. It is made for one set of build arguments and parents; a file that several
// targets of a catalog are built from is looked at once for each set that differs.
type Doc struct {
	Path    string // as the user knows it
	Rel     string // as configurations know it: relative to the catalog's root
	File    *syntax.File
	Stages  []*Stage
	Meta    []*syntax.Instruction // before the first FROM
	Options *Options
	Folder  *Folder  // the build context, nil when it is not known (standard input)
	Image   *Context // where the file stands in a catalog, nil outside of one

	args map[string]string // the values of the ARGs before the first FROM
	once sync.Map          // by key, what Once keeps
}

// Once gives what make returns; it is called once for each key, however many rules ask, in however
// many goroutines. A key is of a type that only its owner has.
func (d *Doc) Once(key any, make func() any) any {
	if kept, ok := d.once.Load(key); ok {
		return kept.(func() any)()
	}
	kept, _ := d.once.LoadOrStore(key, sync.OnceValue(make))
	return kept.(func() any)()
}

// Forget lets go of what Once keeps and of the commands of RUN steps, which take most of the memory. They are
// made again when somebody asks. It must not be called while rules look at the Dockerfile.
func (d *Doc) Forget() {
	d.once.Clear()
	for _, s := range d.Stages {
		s.runs = nil
	}
}

// Context is where a Dockerfile stands in a catalog.
type Context struct {
	Targets []string          // the targets that are built so
	Args    map[string]string // build arguments
	Flavour string            // "" for a plain image
	Final   string            // the stage to build, "" for the last one

	// Temp are the paths that RUN steps share and that reach no layer.
	Temp []string
	// Labels are those that plinth fills in.
	Labels []string
	// Refresh is when it is built afresh though nothing changed: always, daily,
	// weekly, monthly, never.
	Refresh string
	// Locked says whether the catalog has a lock, which pins what FROM names.
	Locked bool
	// Base gives what an image brings that FROM names, nil if it is not the catalog's.
	Base func(ref string) *Effective
}

// Stage is a FROM and what follows it. A file that does not begin with FROM has a first stage
// without one.
type Stage struct {
	Index        int
	From         *syntax.Instruction // nil when the file does not begin with FROM
	Image        string              // as FROM names it; "" without one
	ImageText    syntax.Text
	Resolved     string // Image with the values of ARGs before FROM; Image itself where one is not known
	Name         string // after AS, as it is written; "" for none
	NameText     syntax.Text
	Platform     string                // the value of --platform, as it is written
	Parent       *Stage                // the earlier stage that it stands on, nil for an image
	Instructions []*syntax.Instruction // without FROM
	Final        bool                  // it is the stage that becomes the image
	Reached      bool                  // the final stage stands on it, or takes files from it
	Base         *Effective            // what it begins with

	doc    *Doc
	states []*Effective // before each instruction, and behind the last one
	runs   []*Run
}

// Run is a RUN step, or a CMD, ENTRYPOINT or HEALTHCHECK, as commands.
type Run struct {
	In      *syntax.Instruction
	Exec    bool     // in JSON form, no shell reads it
	Shell   []string // that reads it, from SHELL or the default
	Dialect shellscript.Dialect
	Scripts []*shellscript.Script // one, or one for each heredoc that is a script
	Before  *Effective            // what is in effect when it begins; nil for CMD, ENTRYPOINT, HEALTHCHECK
}

// Options are what the rules are told.
func (s *Stage) Options() *Options { return s.doc.Options }

// Doc is the Dockerfile that the stage is in.
func (s *Stage) Doc() *Doc { return s.doc }

// NewDoc prepares a Dockerfile for rules.
func NewDoc(file *syntax.File, o *Options, folder *Folder, image *Context) *Doc {
	if o == nil {
		o = &Options{}
	}
	d := &Doc{Path: file.Path, Rel: file.Path, File: file, Options: o, Folder: folder, Image: image}
	d.split()
	d.link()
	return d
}

func (d *Doc) split() {
	var s *Stage
	for _, in := range d.File.Instructions {
		switch {
		case in.Keyword == "FROM":
			s = d.stage(in)
		case s == nil && in.Keyword == "ARG":
			d.Meta = append(d.Meta, in)
		default:
			if s == nil {
				s = d.stage(nil)
			}
			s.Instructions = append(s.Instructions, in)
		}
	}
}

func (d *Doc) stage(from *syntax.Instruction) *Stage {
	s := &Stage{Index: len(d.Stages), From: from, doc: d}
	d.Stages = append(d.Stages, s)
	if from == nil {
		return s
	}
	fields := from.Args.Fields()
	if len(fields) > 0 {
		s.Image, s.ImageText = fields[0].S, fields[0]
	}
	if len(fields) > 2 && strings.EqualFold(fields[1].S, "as") {
		s.Name, s.NameText = fields[2].S, fields[2]
	}
	if f, ok := from.Flag("platform"); ok {
		s.Platform = f.Value
	}
	return s
}

func (d *Doc) link() {
	d.args = d.metaArgs()
	for i, s := range d.Stages {
		s.Resolved = Word(s.Image, d.File.Escape, func(name string) (string, bool) {
			v, ok := d.args[name]
			return v, ok
		})
		if p := d.StageNamed(s.Resolved, i); p != nil {
			s.Parent = p
		}
	}
	final := d.Final()
	if final != nil {
		final.Final = true
		final.reach()
	}
}

// metaArgs are the values of the ARGs before the first FROM, those that are given
// for the build over the defaults.
func (d *Doc) metaArgs() map[string]string {
	values := map[string]string{}
	lookup := func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
	for _, in := range d.Meta {
		for _, pair := range in.Pairs() {
			name := pair.Name(d.File.Escape)
			if d.Image != nil {
				if v, ok := d.Image.Args[name]; ok {
					values[name] = v
					continue
				}
			}
			if pair.Has {
				values[name] = Word(pair.Value.S, d.File.Escape, lookup)
			}
		}
	}
	return values
}

// StageNamed finds the stage that a name means in a FROM or --from of stage before, nil if it means
// an image: the last earlier one of that name, without regard to case, to which hadolint
// has regard.
func (d *Doc) StageNamed(name string, before int) *Stage {
	if name == "" {
		return nil
	}
	for i := min(before, len(d.Stages)) - 1; i >= 0; i-- {
		other := d.Stages[i].Name
		if other == name || !d.Options.Hadolint && strings.EqualFold(other, name) {
			return d.Stages[i]
		}
	}
	return nil
}

// Final is the stage that becomes the image, nil in a file without stages.
func (d *Doc) Final() *Stage {
	if len(d.Stages) == 0 {
		return nil
	}
	if d.Image != nil && d.Image.Final != "" {
		if s := d.StageNamed(d.Image.Final, len(d.Stages)); s != nil {
			return s
		}
	}
	return d.Stages[len(d.Stages)-1]
}

// reach marks a stage and all that it needs.
func (s *Stage) reach() {
	if s.Reached {
		return
	}
	s.Reached = true
	if s.Parent != nil {
		s.Parent.reach()
	}
	for _, in := range s.Instructions {
		for _, name := range Sources(in) {
			if p := s.doc.SourceStage(s, name.Value); p != nil {
				p.reach()
			}
		}
	}
}

// SourceStage finds the stage that --from of COPY or a mount in a stage names, also by its number.
func (d *Doc) SourceStage(in *Stage, name string) *Stage {
	if p := d.StageNamed(name, in.Index); p != nil {
		return p
	}
	n := 0
	for _, c := range name {
		if c < '0' || c > '9' || n > len(d.Stages) {
			return nil
		}
		n = n*10 + int(c-'0')
	}
	if name != "" && n < in.Index {
		return d.Stages[n]
	}
	return nil
}

// Source is a place where an instruction takes files from.
type Source struct {
	Value string
	Text  syntax.Text // the flag
}

// Sources are the values of COPY --from and of from= in RUN --mount.
func Sources(in *syntax.Instruction) (out []Source) {
	for i := in; i != nil; i = i.Inner {
		for _, f := range i.Flags {
			switch {
			case f.Name == "from" && (i.Keyword == "COPY" || i.Keyword == "ADD"):
				out = append(out, Source{f.Value, f.Text})
			case f.Name == "mount" && i.Keyword == "RUN":
				if v, ok := MountOption(f, "from"); ok {
					out = append(out, Source{v, f.Text})
				}
			}
		}
	}
	return out
}

// MountOption gives a value in RUN --mount=type=cache,target=/x; its names are without regard to case.
func MountOption(f syntax.Flag, names ...string) (string, bool) {
	for part := range strings.SplitSeq(f.Value, ",") {
		key, value, _ := strings.Cut(part, "=")
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, key) }) {
			return value, true
		}
	}
	return "", false
}

// All are the instructions of the file in order.
func (d *Doc) All() []*syntax.Instruction { return d.File.Instructions }

// Arg gives the value of an ARG before the first FROM.
func (d *Doc) Arg(name string) (string, bool) {
	v, ok := d.args[name]
	return v, ok
}

// instructionAt is the instruction that an offset is in, nil for none.
func (d *Doc) instructionAt(offset int) *syntax.Instruction {
	all := d.File.Instructions
	i := sort.Search(len(all), func(i int) bool { return all[i].Start > offset })
	if i == 0 || offset > all[i-1].End {
		return nil
	}
	return all[i-1]
}

// Find gives the instructions of a stage with one of these keywords, those that ONBUILD
// triggers not included.
func (s *Stage) Find(keywords ...string) (out []*syntax.Instruction) {
	for _, in := range s.Instructions {
		if slices.Contains(keywords, in.Keyword) {
			out = append(out, in)
		}
	}
	return out
}

// IsScratch says whether the stage begins with nothing.
func (s *Stage) IsScratch() bool { return s.Parent == nil && s.Resolved == "scratch" }
