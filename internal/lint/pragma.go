package lint

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// pragmas are what comments in a file switch off.
type pragmas struct {
	all    []string                         // for the whole file
	before map[*syntax.Instruction][]string // for one instruction
}

// readPragmas reads "hadolint ignore=", "hadolint stage ignore=", "hadolint global ignore=", the same with plinth in the
// place of hadolint, and the check directive.
func readPragmas(d *Doc) pragmas {
	p := pragmas{before: map[*syntax.Instruction][]string{}}
	for _, dir := range d.File.Directives {
		if dir.Name == "check" {
			p.all = append(p.all, checkSkips(dir.Value)...)
		}
	}
	if d.Options.NoPragmas {
		return p
	}
	for _, c := range d.File.Comments {
		codes, scope := d.Ignores(c)
		if value, ok := checkComment(c.Text); ok {
			codes, scope = checkSkips(value), ForInstruction
		}
		switch {
		case len(codes) == 0:
		case scope == ForFile:
			p.all = append(p.all, codes...)
		default:
			for _, in := range d.meant(c, scope) {
				p.before[in] = append(p.before[in], codes...)
			}
		}
	}
	return p
}

// meant are the instructions that a comment switches rules off for: the one below it, or all of the stage that begins there.
func (d *Doc) meant(c syntax.Comment, scope Scope) []*syntax.Instruction {
	in := d.instructionBelow(c)
	if in == nil || d.asHadolint(c) && in.Line != c.Line+1 {
		return nil
	}
	if scope == ForInstruction {
		return []*syntax.Instruction{in}
	}
	for _, s := range d.Stages {
		if s.From == in {
			return append([]*syntax.Instruction{in}, s.Instructions...)
		}
	}
	return nil
}

// allOfBuildKit stands for all of BuildKit's rules among the codes that are switched off.
const allOfBuildKit = "check=skip=all"

// checkSkips are the codes that a check directive switches off: skip=Rule,Rule;error=true.
func checkSkips(value string) (codes []string) {
	for part := range strings.SplitSeq(value, ";") {
		name, list, _ := strings.Cut(part, "=")
		if strings.TrimSpace(name) != "skip" {
			continue
		}
		for code := range strings.SplitSeq(list, ",") {
			if code = strings.TrimSpace(code); code == "all" {
				code = allOfBuildKit
			}
			codes = append(codes, code)
		}
	}
	return codes
}

// checkComment reads a check directive above an instruction, which counts for that one. Its value ends at
// the first blank.
func checkComment(comment string) (value string, ok bool) {
	name, value, ok := strings.Cut(comment, "=")
	value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
	return value, ok && strings.EqualFold(strings.TrimSpace(name), "check")
}

// Scope is how much of a file a comment switches rules off for.
type Scope uint8

// The scopes.
const (
	ForInstruction Scope = iota // the one below the comment
	ForStage                    // that begins below the comment
	ForFile
)

// Ignores reads a comment that switches rules off. There are no codes in other comments. What stands behind the codes is
// a reason.
func (d *Doc) Ignores(c syntax.Comment) (codes []string, scope Scope) {
	codes, scope, reason := ignorePragma(c.Text)
	if d.asHadolint(c) && (c.Inside || reason != "" && reason[0] != '#') {
		return nil, scope
	}
	return codes, scope
}

// asHadolint says whether a comment counts only where hadolint lets it count: directly above the instruction, and with
// nothing but another comment behind the codes.
func (d *Doc) asHadolint(c syntax.Comment) bool {
	return d.Options.Hadolint && strings.HasPrefix(c.Text, "hadolint")
}

// ignorePragma takes a comment that switches rules off apart.
func ignorePragma(comment string) (codes []string, scope Scope, reason string) {
	rest, ok := strings.CutPrefix(comment, "hadolint")
	if !ok {
		if rest, ok = strings.CutPrefix(comment, "plinth"); !ok {
			return nil, 0, ""
		}
	}
	fields := strings.TrimLeft(rest, " \t")
	if fields == rest {
		return nil, 0, ""
	}
	switch word, after := cutBlank(fields); word {
	case "stage":
		fields, scope = after, ForStage
	case "global":
		fields, scope = after, ForFile
	}
	list, ok := strings.CutPrefix(fields, "ignore")
	if !ok {
		return nil, 0, ""
	}
	list, ok = strings.CutPrefix(strings.TrimLeft(list, " \t"), "=")
	if !ok {
		return nil, 0, ""
	}
	for list != "" {
		list = strings.TrimLeft(list, " \t")
		end := 0
		for end < len(list) && (list[end] >= 'A' && list[end] <= 'Z' || list[end] >= 'a' && list[end] <= 'z' || list[end] >= '0' && list[end] <= '9' || list[end] == '-') {
			end++
		}
		if end == 0 {
			break
		}
		codes = append(codes, list[:end])
		list = strings.TrimLeft(list[end:], " \t")
		after, ok := strings.CutPrefix(list, ",")
		if !ok {
			break
		}
		list = after
	}
	return codes, scope, list
}

// cutBlank takes the first word off a text, and the blanks behind it.
func cutBlank(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

// instructionBelow is the instruction that a comment stands above.
func (d *Doc) instructionBelow(c syntax.Comment) *syntax.Instruction {
	for _, in := range d.File.Instructions {
		if in.Start > c.Offset || c.Inside && in.End > c.Offset {
			return in
		}
	}
	return nil
}

func (p pragmas) ignore(f *Finding) bool {
	off := func(codes []string) bool {
		return slices.Contains(codes, f.Rule.Code) || f.Rule.Family == BuildKit && slices.Contains(codes, allOfBuildKit)
	}
	return off(p.all) || f.instruction != nil && off(p.before[f.instruction])
}
