package custom

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

const sample = `ARG TAG=12
FROM debian:${TAG} AS build
RUN apt-get update && apt-get install -y gcc
FROM debian:12
ENV HTTP_PROXY=http://proxy A=b
COPY --from=build --chmod=0755 /x /y
ENTRYPOINT ["/y", "--now"]
USER app
`

// findings are line:column of what a rule reports.
func findings(t *testing.T, on On, when string) []string {
	t.Helper()
	rule, err := Compile(Spec{Code: "ACME001", Severity: lint.Error, On: on, When: when, Message: "100 % wrong"})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	image := &lint.Context{Targets: []string{"web"}, Flavour: "init", Args: map[string]string{"X": "y"}, Refresh: "never"}
	var out []string
	for _, f := range rule.Findings(lint.NewDoc(syntax.Parse("a/Dockerfile", []byte(sample)), nil, nil, image)) {
		out = append(out, fmt.Sprintf("%d:%d", f.Line, f.Column))
		if f.Message != "100 % wrong" && !strings.HasPrefix(f.Message, "cannot evaluate the condition of ACME001: ") {
			t.Errorf("the message is %q", f.Message)
		}
	}
	return out
}

func TestConditions(t *testing.T) {
	for _, tc := range []struct {
		on   On
		when string
		want []string
	}{
		{OnInstruction, `instruction.keyword == "ENV" && instruction.words.exists(w, w.startsWith("HTTP_PROXY="))`, []string{"5:1"}},
		{OnInstruction, `"chmod" in instruction.flags && instruction.flags["from"] == "build"`, []string{"6:1"}},
		{OnInstruction, `instruction.json && instruction.words[1] == "--now"`, []string{"7:1"}},
		{OnInstruction, `instruction.keyword == "FROM"`, []string{"2:1", "4:1"}},
		{OnInstruction, `instruction.keyword == "USER" && config.env["A"] == "b" && !config.root`, []string{"8:1"}},
		{OnInstruction, `instruction.line == 6 && instruction.args == "/x /y" && !instruction.onbuild`, []string{"6:1"}},
		{OnCommand, `command.name == "apt-get" && "install" in command.args && !("--no-install-recommends" in command.args)`, []string{"3:23"}},
		{OnCommand, `command.text == "apt-get update" && instruction.keyword == "RUN"`, []string{"3:5"}},
		{OnStage, `stage.resolved == "debian:12"`, []string{"2:1", "4:1"}},
		{OnStage, `stage.name == "build" && stage.index == 0 && !stage.final && stage.instructions.size() == 1`, []string{"2:1"}},
		{OnImage, `config.user == "app" && config.entrypoint.contains("now")`, []string{"4:1"}},
		{OnImage, `target.names == ["web"] && target.flavour == "init" && target.args["X"] == "y" && target.refresh == "never" && target.file == "a/Dockerfile"`, []string{"4:1"}},
		{OnImage, `config.known`, nil},
		{OnImage, `config.env["MISSING"] == "x"`, []string{"4:1"}},
	} {
		if got := findings(t, tc.on, tc.when); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %s: got %v, want %v", tc.on, tc.when, got, tc.want)
		}
	}
}

func TestExpensiveConditionsEnd(t *testing.T) {
	long := "[" + strings.Repeat("1,", 400) + "1]"
	when := fmt.Sprintf("%s.all(a, %s.all(b, %s.all(c, a == b || b == c || true)))", long, long, long)
	if got := findings(t, OnImage, when); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct{ on, when, want string }{
		{"instruction", `instruction.keywrd == "ENV"`, "undefined field 'keywrd' (line 1, column 12)"},
		{"stage", `instruction.keyword == "ENV"`, "undeclared reference to 'instruction'"},
		{"stage", `stage.name`, "it gives string; write a condition, which gives true or false"},
		{"stage", `stage.name ==`, "Syntax error"},
		{"file", `true`, `"file" is nothing to look at: instruction, command, stage, image`},
	} {
		_, err := Compile(Spec{Code: "A1", On: On(tc.on), When: tc.when})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.when, err, tc.want)
		}
	}
}

// TestPlaces checks conditions in Dockerfiles of odd forms: without FROM, with ONBUILD, outside of a catalog.
func TestPlaces(t *testing.T) {
	for _, tc := range []struct {
		on         On
		when, text string
		want       []string
	}{
		{OnStage, `true`, "RUN a\nFROM b\n", []string{"1:1", "2:1"}},
		{OnStage, `true`, "ENV a=b\n", []string{"1:1"}},
		{OnInstruction, `instruction.keyword == "RUN"`, "RUN a\nFROM b\nRUN c\n", []string{"1:1", "3:1"}},
		{OnInstruction, `instruction.keyword == "RUN" && instruction.onbuild`, "FROM b\nRUN c\nONBUILD RUN d\n", nil},
		{OnCommand, `command.name == "d" && config.user == "x"`, "FROM b\nRUN d\nUSER x\nRUN c\nONBUILD RUN d\nUSER y\nRUN d\n", []string{"5:13"}},
		{OnCommand, `command.name == "d" && config.user == "y"`, "FROM b\nRUN d\nUSER x\nONBUILD RUN d\nUSER y\nRUN d", []string{"6:5"}},
		{OnImage, `config.root`, "FROM scratch\n", []string{"1:1"}},
		{OnImage, `config.root`, "FROM scratch\nUSER x\n", nil},
		{OnImage, `config.root`, "FROM elsewhere\n", nil},
		{OnImage, `config.root`, "FROM elsewhere\nUSER 0\n", []string{"1:1"}},
		{OnImage, `target.names.size() == 0 && target.args.size() == 0 && target.flavour == ""`, "FROM a\n", []string{"1:1"}},
	} {
		rule, err := Compile(Spec{Code: "ACME001", Severity: lint.Error, On: tc.on, When: tc.when, Message: "x"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range rule.Findings(lint.NewDoc(syntax.Parse("Dockerfile", []byte(tc.text)), nil, nil, nil)) {
			got = append(got, fmt.Sprintf("%d:%d", f.Line, f.Column))
			if f.Message != "x" {
				t.Errorf("%s: %s", tc.when, f.Message)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %s in %q: got %v, want %v", tc.on, tc.when, tc.text, got, tc.want)
		}
	}
}
