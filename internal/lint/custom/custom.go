// Package custom makes rules of expressions that a catalog's owners write, in the Common
// Expression Language (https://cel.dev).
//
//	rule, err := custom.Compile(custom.Spec{
//		Code: "ACME001", On: custom.OnInstruction, Severity: lint.Error,
//		When:    `instruction.keyword == "ENV" && instruction.args.contains("http_proxy")`,
//		Message: "the proxy is set by the machine that builds",
//	})
//
// What an expression sees is in the types Instruction, Stage, Command, Config and Target; a field
// that there is not is an error when it is compiled, with its place in the expression.
// An expression cannot loop without end, read files or reach the network; one that costs too much is cut off.
package custom

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/plinth-build/plinth/internal/lint"
)

// On says what an expression looks at.
type On string

// What there is to look at. In each, what is above it can be seen as well.
const (
	OnInstruction On = "instruction" // each instruction: instruction, stage, config (before it), target
	OnCommand     On = "command"     // each command in RUN: command, instruction, stage, config, target
	OnStage       On = "stage"       // each stage: stage, config (at its end), target
	OnImage       On = "image"       // the stage that becomes the image: as stage
)

// Names are the names of what there is to look at.
func Names() []string {
	return []string{string(OnInstruction), string(OnCommand), string(OnStage), string(OnImage)}
}

// Spec is a rule as it is written.
type Spec struct {
	Code     string
	Title    string // "" for the message
	Severity lint.Severity
	On       On
	When     string // a CEL expression that is true where something is wrong
	Message  string
}

// costLimit is how much one evaluation may cost, in CEL's units; it takes some milliseconds.
const costLimit = 100_000

// Compile makes a rule. An error says what is wrong with the expression, and where in it.
func Compile(s Spec) (*lint.Rule, error) {
	env, err := environment(s.On)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(s.When)
	if err := issues.Err(); err != nil {
		return nil, complaint(issues)
	}
	if ast.OutputType() != cel.BoolType && ast.OutputType() != cel.DynType {
		return nil, fmt.Errorf("it gives %s; write a condition, which gives true or false", ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	title := s.Title
	if title == "" {
		title = s.Message
	}
	rule := &lint.Rule{
		Code: s.Code, Title: title, Severity: s.Severity, Family: lint.Custom,
		Profiles: lint.Recommended | lint.Strict | lint.BaseImage | lint.HadolintProfile,
		Why:      "A rule of this catalog's own plinth.yaml: `" + s.When + "`",
	}
	rule.Stage = func(p *lint.Pass, st *lint.Stage) { look(p, st, s, program) }
	return rule, nil
}

// complaint is the first thing that CEL has against an expression.
func complaint(issues *cel.Issues) error {
	for _, e := range issues.Errors() {
		return fmt.Errorf("%s (line %d, column %d)", e.Message, e.Location.Line(), e.Location.Column()+1)
	}
	return errors.New("it cannot be read")
}

func environment(on On) (*cel.Env, error) {
	types := []any{ext.ParseStructTags(true)}
	for _, v := range []any{Instruction{}, Stage{}, Command{}, Config{}, Target{}} {
		types = append(types, reflect.TypeOf(v))
	}
	options := []cel.EnvOption{
		ext.NativeTypes(types...), ext.Strings(), ext.Lists(), ext.Sets(),
		cel.Variable("stage", cel.ObjectType("custom.Stage")),
		cel.Variable("config", cel.ObjectType("custom.Config")),
		cel.Variable("target", cel.ObjectType("custom.Target")),
	}
	switch on {
	case OnCommand:
		options = append(options, cel.Variable("command", cel.ObjectType("custom.Command")), cel.Variable("instruction", cel.ObjectType("custom.Instruction")))
	case OnInstruction:
		options = append(options, cel.Variable("instruction", cel.ObjectType("custom.Instruction")))
	case OnStage, OnImage:
	default:
		return nil, fmt.Errorf("%q is nothing to look at: %s", on, strings.Join(Names(), ", "))
	}
	return cel.NewEnv(options...)
}

// look evaluates the expression wherever it looks at.
func look(p *lint.Pass, st *lint.Stage, s Spec, program cel.Program) {
	if s.On == OnImage && !st.Final {
		return
	}
	vars := map[string]any{"stage": stageOf(st), "target": targetOf(p.Doc)}
	check := func(at lint.Span) {
		out, _, err := program.Eval(vars)
		switch {
		case err != nil:
			p.Report(at, "cannot evaluate the condition of %s: %s", s.Code, err)
		case out.Value() == true:
			p.Report(at, "%s", s.Message)
		}
	}
	switch s.On {
	case OnStage, OnImage:
		vars["config"] = configOf(st.After())
		check(stageSpan(st))
	case OnInstruction:
		if st.From != nil {
			vars["instruction"], vars["config"] = instructionOf(st.From), configOf(st.Before(0))
			check(lint.Whole(st.From))
		}
		for i, in := range st.Instructions {
			vars["instruction"], vars["config"] = instructionOf(in), configOf(st.Before(i))
			check(lint.Whole(in))
		}
	case OnCommand:
		for _, run := range st.Runs() {
			vars["instruction"], vars["config"] = instructionOf(run.In), configOf(st.Before(indexOf(st, run)))
			for _, c := range run.Commands() {
				vars["command"] = commandOf(c)
				check(lint.At(c.Text()))
			}
		}
	}
}

// stageSpan is where a finding about a stage is shown.
func stageSpan(st *lint.Stage) lint.Span {
	switch {
	case st.From != nil:
		return lint.Whole(st.From)
	case len(st.Instructions) > 0:
		return lint.Whole(st.Instructions[0])
	}
	return lint.Span{}
}

func indexOf(st *lint.Stage, run *lint.Run) int {
	for i, in := range st.Instructions {
		if in.Start <= run.In.Start && run.In.Start < in.End {
			return i
		}
	}
	return 0
}
