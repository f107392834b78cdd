package rules

import (
	"encoding/json"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/dockerfile/checks"
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// buildkitKey is what a Dockerfile keeps BuildKit's result under.
type buildkitKey struct{}

// BuildKit is what BuildKit says about a Dockerfile. It is asked once, whichever of its rules are on.
func BuildKit(d *lint.Doc) *checks.Result {
	return d.Once(buildkitKey{}, func() any {
		o := checks.Options{Experimental: true, Resolve: baseConfigs(d), Platform: usualPlatform}
		if d.Image != nil {
			o.Args = d.Image.Args
		}
		return checks.Run(d.File, o)
	}).(*checks.Result)
}

// usualPlatform is what rules take a Dockerfile to be built for, so that they say the same on
// each machine.
var usualPlatform = ocispecs.Platform{OS: "linux", Architecture: "amd64"}

// warnings calls fn for each instruction that BuildKit has a warning of the rule for, with the warnings.
// An ONBUILD that a later stage triggers has them at the FROM of that stage, where nothing is
// to be mended: fn gets instructions of these keywords only.
func warnings(p *lint.Pass, fn func(*syntax.Instruction, []checks.Warning), keywords ...string) {
	all := BuildKit(p.Doc).Warnings
	for _, in := range p.All() {
		var here []checks.Warning
		for _, w := range all {
			if w.Rule == p.Rule.Code && w.Line >= in.Line && w.Line <= in.EndLine {
				here = append(here, w)
			}
		}
		if len(here) == 0 {
			continue
		}
		for _, k := range keywords {
			if in.Keyword == k {
				fn(in, here)
				break
			}
		}
		if len(keywords) == 0 {
			fn(in, here)
		}
	}
}

// quoted is what a message of BuildKit has in quotes of one kind, "" if there is nothing.
func quoted(message, quote string) string {
	_, rest, _ := strings.Cut(message, quote)
	name, _, ok := strings.Cut(rest, quote)
	if !ok {
		return ""
	}
	return name
}

// stageOf is the stage that a FROM begins, nil for none.
func stageOf(d *lint.Doc, from *syntax.Instruction) *lint.Stage {
	for _, s := range d.Stages {
		if s.From == from {
			return s
		}
	}
	return nil
}

// fromWord is a word of FROM: the image, AS, the name. Without it the whole instruction.
func fromWord(in *syntax.Instruction, i int) syntax.Text {
	if fields := in.Args.Fields(); i < len(fields) {
		return fields[i]
	}
	return in.Text
}

// baseConfigs gives BuildKit the configurations of the images that are known. Each is for the platform that
// is asked for: BuildKit compares them in several goroutines at once, and what these say of one that
// differs would get lost or worse. InvalidBaseImagePlatform compares by itself.
func baseConfigs(d *lint.Doc) func(string, ocispecs.Platform) []byte {
	known := map[string]*lint.Effective{}
	for _, s := range d.Stages {
		if s.Parent != nil || s.From == nil || s.IsScratch() {
			continue
		}
		ref := checks.Reference(s.Resolved)
		if e := s.Before(0); e.Known {
			known[ref] = e
		} else if env, ok := distributionEnv(s.Resolved); ok {
			known[ref] = &lint.Effective{Env: env}
		}
	}
	return func(ref string, p ocispecs.Platform) []byte {
		if e := known[ref]; e != nil {
			return config(e, p)
		}
		return nil
	}
}

// config writes what is known of an image as its configuration.
func config(e *lint.Effective, p ocispecs.Platform) []byte {
	var c struct {
		ocispecs.Platform
		Config struct {
			ocispecs.ImageConfig
			Shell []string `json:",omitempty"`
		} `json:"config"`
		RootFS ocispecs.RootFS `json:"rootfs"`
	}
	c.Platform = p
	// an image without a layer is an empty one to BuildKit
	c.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("")}}
	if e != nil {
		for name, value := range e.Env {
			c.Config.Env = append(c.Config.Env, name+"="+value)
		}
		c.Config.User, c.Config.WorkingDir = e.User.S, e.Workdir.S
		if e.ShellSet {
			c.Config.Shell = e.Shell
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	return data
}
