package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

func parse(text string, image *Context) *Doc {
	return NewDoc(syntax.Parse("Dockerfile", []byte(text)), nil, nil, image)
}

// describe is what is set in a state.
func (e *Effective) describe() string {
	var out []string
	value := func(name string, v Value) {
		if v.Set {
			from := ""
			if v.From != "" {
				from = " of " + v.From
			}
			out = append(out, name+" "+v.S+from)
		}
	}
	values := func(name string, m map[string]string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, name+" "+k+"="+m[k])
		}
	}
	value("user", e.User)
	value("workdir", e.Workdir)
	if e.ShellSet {
		out = append(out, "shell "+strings.Join(e.Shell, " "))
	}
	value("healthcheck", e.Healthcheck)
	value("entrypoint", e.Entrypoint)
	value("cmd", e.Cmd)
	value("stopsignal", e.StopSignal)
	values("env", e.Env)
	values("arg", e.Args)
	values("label", e.Labels)
	if len(e.Expose) > 0 {
		out = append(out, "expose "+strings.Join(e.Expose, " "))
	}
	if len(e.Volumes) > 0 {
		out = append(out, "volume "+strings.Join(e.Volumes, " "))
	}
	return strings.Join(out, "; ")
}

func TestEffective(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "FROM a", ""},
		{"all", "FROM a\nUSER u:g\nWORKDIR /w\nSHELL [\"/bin/bash\", \"-c\"]\nHEALTHCHECK NONE\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\nSTOPSIGNAL 9\nENV E=1\nARG R=2\nLABEL l=3\nEXPOSE 80 81\nVOLUME /v /u",
			`user u:g; workdir /w; shell /bin/bash -c; healthcheck NONE; entrypoint ["e"]; cmd ["c"]; stopsignal 9; env E=1; arg R=2; label l=3; expose 80 81; volume /v /u`},
		{"the last one counts", "FROM a\nUSER u\nUSER v\nENV A=1\nENV A=2", "user v; env A=2"},
		{"quotes and variables", "FROM a\nENV A=\"x y\" B='$A'\nENV C=$A D=\\$A\nUSER \"$A\"\nLABEL \"l$A\"=${A}z\nEXPOSE $A\nVOLUME [\"/$A\"]",
			"user x y; env A=x y; env B=$A; env C=x y; env D=$A; label lx y=x yz; expose x y; volume /x y"},
		{"what is not known stays", "FROM a\nUSER $U\nWORKDIR ${W:-/d}", "user $U; workdir /d"},
		{"an ENV does not see itself", "FROM a\nENV A=1 B=$A\nENV C=$A", "env A=1; env B=$A; env C=1"},
		{"an ARG does", "FROM a\nARG A=1 B=$A", "arg A=1; arg B=1"},
		{"ENV with a blank", "FROM a\nENV A b c", "env A=b c"},
		{"WORKDIR goes on", "FROM a\nWORKDIR /a/\nWORKDIR b/../c\nWORKDIR d", "workdir /a/c/d"},
		{"WORKDIR from somewhere", "FROM a\nWORKDIR b", "workdir b"},
		{"WORKDIR from nothing", "FROM scratch\nWORKDIR b", "workdir /b"},
		{"WORKDIR of a variable", "FROM a\nWORKDIR /a\nWORKDIR $X/b", "workdir $X/b"},
		{"a SHELL that is none", "FROM a\nSHELL bash", ""},
		{"ENTRYPOINT keeps a CMD of its stage", "FROM a\nCMD c\nENTRYPOINT e", "entrypoint e; cmd c"},
		{"ENTRYPOINT resets one of an earlier stage", "FROM a AS s\nCMD c\nFROM s\nENTRYPOINT e", "entrypoint e"},
		{"a CMD behind it stays", "FROM a AS s\nCMD c\nFROM s\nENTRYPOINT e\nCMD d\nENTRYPOINT f", "entrypoint f; cmd d"},
		{"a stage on a stage", "FROM a AS s\nUSER u\nENV A=1\nARG B=2\nLABEL l=m\nFROM s\nENV C=$A$B\nLABEL n=o", "user u; env A=1; env C=12; arg B=2; label l=m; label n=o"},
		{"a stage beside a stage", "FROM a AS s\nUSER u\nFROM a\nENV A=1", "env A=1"},
		{"through three", "FROM a AS s\nUSER u\nFROM s AS t\nWORKDIR /w\nFROM t\nWORKDIR x", "user u; workdir /w/x"},
		{"ONBUILD is for others", "FROM a\nONBUILD USER u", ""},
		{"ENV after ARG", "FROM a\nARG A=1\nENV A=2\nUSER $A", "user 2; env A=2; arg A=1"},
		{"ARG after ENV", "FROM a\nENV A=2\nARG A=1\nUSER $A", "user 1; env A=2; arg A=1"},
		{"ARG after ENV without a value", "FROM a\nENV A=2\nARG A\nUSER $A", "user 2; env A=2; arg A="},
		{"ENV after ARG after ENV", "FROM a\nENV A=2\nARG A=1\nENV A=3\nUSER $A", "user 3; env A=3; arg A=1"},
		{"no FROM", "USER u", "user u"},
	} {
		d := parse(c.text, nil)
		if got := d.Stages[len(d.Stages)-1].After().describe(); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestEffectiveBefore(t *testing.T) {
	s := parse("FROM a\nUSER u\nENV A=1\nENV B=2\nUSER v", nil).Stages[0]
	for i, want := range []string{"", "user u", "user u; env A=1", "user u; env A=1; env B=2", "user v; env A=1; env B=2"} {
		if got := s.Before(i).describe(); got != want {
			t.Errorf("before instruction %d: %s, want %s", i, got, want)
		}
	}
	if s.After() != s.Before(4) {
		t.Error("After is not what is before the end")
	}
}

func TestArgs(t *testing.T) {
	const file = "ARG G=g\nARG H=$G-h\nARG N\nFROM a\nARG G\nARG H=own\nARG N\nARG L=$G\nUSER $G,$H,$N,$L"
	for _, c := range []struct {
		args map[string]string
		want string
	}{
		{nil, "g,own,$N,g"},
		{map[string]string{"G": "1"}, "1,own,$N,1"},
		{map[string]string{"H": "1", "N": "2"}, "g,1,2,g"},
		{map[string]string{"L": "1", "X": "2"}, "g,own,$N,1"},
	} {
		d := parse(file, &Context{Args: c.args})
		if got := d.Stages[0].After().User.S; got != c.want {
			t.Errorf("%v: %s, want %s", c.args, got, c.want)
		}
	}
	d := parse(file, &Context{Args: map[string]string{"G": "1"}})
	if h, ok := d.Arg("H"); !ok || h != "1-h" {
		t.Errorf("H is %q", h)
	}
	if _, ok := d.Arg("N"); ok {
		t.Error("N has a value")
	}
	if got := parse("ARG G=g\nFROM a\nUSER $G", nil).Stages[0].After().User.S; got != "$G" {
		t.Errorf("a stage sees an ARG that it does not declare: %s", got)
	}
}

func TestBases(t *testing.T) {
	var asked []string
	context := &Context{Base: func(ref string) *Effective {
		asked = append(asked, ref)
		if ref != "reg/base:1" {
			return nil
		}
		base := parse("FROM scratch\nUSER u\nCMD c\nENV A=1\nARG B=2\nHEALTHCHECK NONE", nil).Stages[0].After()
		return base.Inherited("base")
	}}
	s := parse("ARG TAG=1\nFROM reg/base:$TAG\nWORKDIR $A\nENTRYPOINT e", context).Stages[0]
	if got, want := s.Before(0).describe(), "user u of base; healthcheck NONE of base; cmd c of base; env A=1"; got != want {
		t.Errorf("begins with %s, want %s", got, want)
	}
	if got, want := s.After().describe(), "user u of base; workdir /1; healthcheck NONE of base; entrypoint e; env A=1"; got != want {
		t.Errorf("ends with %s, want %s", got, want)
	}
	if !s.After().Known {
		t.Error("an image of the catalog is not known")
	}
	if fmt.Sprint(asked) != "[reg/base:1]" {
		t.Errorf("asked for %v", asked)
	}
	if e := parse("FROM other", context).Stages[0].After(); e.Known || e.describe() != "" {
		t.Errorf("another image: %s", e.describe())
	}
	if e := parse("FROM scratch", context).Stages[0].After(); !e.Known {
		t.Error("scratch is not known")
	}
	if e := parse("FROM scratch AS a\nUSER u\nFROM a", nil).Stages[1].After(); !e.Known || !e.User.Set || e.User.In == nil {
		t.Error("a stage on scratch is not known")
	}
	again := parse("FROM scratch\nUSER u", nil).Stages[0].After().Inherited("a").Inherited("b")
	if again.User.From != "a" {
		t.Errorf("the USER is of %s", again.User.From)
	}
}

func TestIsRoot(t *testing.T) {
	for user, want := range map[string]bool{
		"": true, "root": true, "0": true, "0:0": true, "root:www": true, "00": true, ":0": true,
		"www": false, "1000": false, "1000:0": false, "10": false, "$USER": false, "rooty": false,
	} {
		if got := IsRoot(user); got != want {
			t.Errorf("IsRoot(%q) = %v", user, got)
		}
	}
}
