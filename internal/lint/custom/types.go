package custom

import (
	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// Instruction is an instruction of a Dockerfile.
type Instruction struct {
	Keyword string            `cel:"keyword"` // in capital letters
	Args    string            `cel:"args"`    // what comes behind keyword and flags, on one line
	Words   []string          `cel:"words"`   // the same as words; the strings of a JSON list
	Flags   map[string]string `cel:"flags"`   // by name without dashes, the last one of each
	JSON    bool              `cel:"json"`    // the arguments are a JSON list
	Line    int64             `cel:"line"`    // from 1
	Onbuild bool              `cel:"onbuild"` // it is ONBUILD
}

// Stage is a FROM and what follows it.
type Stage struct {
	Name         string        `cel:"name"`     // after AS, "" for none
	Image        string        `cel:"image"`    // as FROM names it
	Resolved     string        `cel:"resolved"` // with the values of ARGs in it
	Platform     string        `cel:"platform"` // of --platform
	Index        int64         `cel:"index"`    // from 0
	Final        bool          `cel:"final"`    // it becomes the image
	Instructions []Instruction `cel:"instructions"`
}

// Command is a command of a RUN step.
type Command struct {
	Name string   `cel:"name"` // "" when it is not known before it runs
	Args []string `cel:"args"`
	Text string   `cel:"text"` // as it is written
}

// Config is the configuration in effect, inherited parts included.
type Config struct {
	Known       bool              `cel:"known"` // everything is known, up to the catalog's roots
	User        string            `cel:"user"`
	Root        bool              `cel:"root"` // the user is root, as far as it is known
	Workdir     string            `cel:"workdir"`
	Shell       []string          `cel:"shell"`
	Healthcheck string            `cel:"healthcheck"`
	Entrypoint  string            `cel:"entrypoint"`
	Cmd         string            `cel:"cmd"`
	Env         map[string]string `cel:"env"`
	Labels      map[string]string `cel:"labels"`
	Ports       []string          `cel:"ports"`
	Volumes     []string          `cel:"volumes"`
}

// Target is where the file stands in a catalog; empty outside of one.
type Target struct {
	Names   []string          `cel:"names"`
	Flavour string            `cel:"flavour"`
	Args    map[string]string `cel:"args"`
	Refresh string            `cel:"refresh"`
	File    string            `cel:"file"` // path relative to plinth.yaml
}

func instructionOf(in *syntax.Instruction) Instruction {
	out := Instruction{Keyword: in.Keyword, Args: in.Args.S, Flags: map[string]string{}, Line: int64(in.Line), Onbuild: in.Inner != nil}
	if out.Words, out.JSON = in.JSONValues(); !out.JSON {
		out.Words = []string{}
		for _, w := range in.Args.Words(in.File().Escape) {
			out.Words = append(out.Words, syntax.Unquote(w.S, in.File().Escape))
		}
	}
	for _, f := range in.Flags {
		out.Flags[f.Name] = f.Value
	}
	return out
}

func stageOf(st *lint.Stage) Stage {
	out := Stage{Name: st.Name, Image: st.Image, Resolved: st.Resolved, Platform: st.Platform, Index: int64(st.Index), Final: st.Final}
	for _, in := range st.Instructions {
		out.Instructions = append(out.Instructions, instructionOf(in))
	}
	return out
}

func commandOf(c *shellscript.Command) Command {
	out := Command{Name: c.Name(), Args: []string{}, Text: c.Text().S}
	for _, w := range c.Args() {
		out.Args = append(out.Args, w.S)
	}
	return out
}

func configOf(e *lint.Effective) Config {
	return Config{
		Known: e.Known, User: e.User.S, Root: lint.IsRoot(e.User.S) && (e.User.Set || e.Known), Workdir: e.Workdir.S, Shell: e.Shell,
		Healthcheck: e.Healthcheck.S, Entrypoint: e.Entrypoint.S, Cmd: e.Cmd.S,
		Env: orEmpty(e.Env), Labels: orEmpty(e.Labels), Ports: e.Expose, Volumes: e.Volumes,
	}
}

func targetOf(d *lint.Doc) Target {
	out := Target{File: d.Rel}
	if d.Image != nil {
		out.Names, out.Flavour, out.Args, out.Refresh = d.Image.Targets, d.Image.Flavour, d.Image.Args, d.Image.Refresh
	}
	out.Args = orEmpty(out.Args)
	return out
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
