package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// finding is what lintcheck needs of a finding that plinth lint --format json prints.
type finding struct {
	File, Rule string
	Line       int
	Fix        *struct {
		Edits []struct {
			From, To int
			Text     string
		}
	}
}

// readFindings reads a list, in the order in which plinth prints it.
func readFindings(name string) ([]finding, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []finding
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// variant is the file in a folder that has one fix and no other.
func variant(folder string, n int) string {
	return filepath.Join(folder, fmt.Sprint(n), "Dockerfile")
}

// each writes a file for each fix in a list of findings, with that fix alone, and prints its name.
func each(list, folder string) (bad int) {
	findings, err := readFindings(list)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for i, f := range findings {
		if f.Fix == nil {
			continue
		}
		before, err := os.ReadFile(f.File)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(variant(folder, i)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(variant(folder, i), apply(before, f), 0o644)
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(variant(folder, i))
	}
	return 0
}

// apply makes the edits of one fix; their places are those of the file before them.
func apply(data []byte, f finding) []byte {
	edits := slices.Clone(f.Fix.Edits)
	for i := range edits { // from the end, so that places stay what they are
		last := i
		for j := i; j < len(edits); j++ {
			if edits[j].From > edits[last].From {
				last = j
			}
		}
		edits[i], edits[last] = edits[last], edits[i]
		data = slices.Concat(data[:edits[i].From], []byte(edits[i].Text), data[edits[i].To:])
	}
	return data
}

// mended counts fixes that do not do what they should, each alone: the file parses, all instructions that
// the fix has no edit in are what they were, and the rule finds less than before. after has the findings of the variants.
func mended(list, folder, after string) (bad int) {
	before, err := readFindings(list)
	if err == nil && len(before) == 0 {
		err = fmt.Errorf("%s: no findings", list)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	now, err := readFindings(after)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	type key struct{ file, rule string }
	was, is := map[key]int{}, map[key]int{}
	for _, f := range before {
		was[key{f.File, f.Rule}]++
	}
	for _, f := range now {
		is[key{f.File, f.Rule}]++
	}
	fixes, rules := 0, map[string]bool{}
	for i, f := range before {
		if f.Fix == nil {
			continue
		}
		fixes++
		rules[f.Rule] = true
		name := variant(folder, i)
		if is[key{name, f.Rule}] >= was[key{f.File, f.Rule}] {
			fmt.Printf("%s:%d: %s is still there after its fix (%s)\n", f.File, f.Line, f.Rule, name)
			bad++
		}
		if problem := others(f, name); problem != "" {
			fmt.Printf("%s:%d: %s: %s (%s)\n", f.File, f.Line, f.Rule, problem, name)
			bad++
		}
	}
	fmt.Printf("FIGURE %d fixes of %d rules, each alone\n", fixes, len(rules))
	return bad
}

// others says what is wrong with a fixed file beside its finding, "" for nothing.
func others(f finding, fixed string) string {
	old, err := os.ReadFile(f.File)
	if err != nil {
		return err.Error()
	}
	data, err := os.ReadFile(fixed)
	if err != nil {
		return err.Error()
	}
	a, errA := parser.Parse(bytes.NewReader(old))
	b, errB := parser.Parse(bytes.NewReader(data))
	switch {
	case errA != nil: // it did not parse before
		return ""
	case errB != nil:
		return "it does not parse any more: " + errB.Error()
	case len(a.AST.Children) != len(b.AST.Children):
		return fmt.Sprintf("%d instructions, and %d before", len(b.AST.Children), len(a.AST.Children))
	}
	touched := 0
	for i, n := range a.AST.Children {
		if edited(f, old, n) {
			touched++
		} else if m := b.AST.Children[i]; n.Original != m.Original || n.Dump() != m.Dump() {
			return fmt.Sprintf("line %d changed too", n.StartLine)
		}
	}
	if touched == 0 {
		return "its edits are in no instruction"
	}
	return ""
}

// edited says whether a fix has an edit within the lines of an instruction.
func edited(f finding, data []byte, n *parser.Node) bool {
	return slices.ContainsFunc(f.Fix.Edits, func(e struct {
		From, To int
		Text     string
	},
	) bool {
		first := 1 + bytes.Count(data[:e.From], []byte("\n"))
		last := 1 + bytes.Count(data[:e.To], []byte("\n"))
		return first <= n.EndLine && last >= n.StartLine
	})
}
