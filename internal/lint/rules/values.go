package rules

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// effective is the configuration in effect before a step, nil if the step is none of the stage.
func effective(s *lint.Stage, run *lint.Run) *lint.Effective {
	for i, in := range s.Instructions {
		if in.Start <= run.In.Start && run.In.Start <= in.End {
			return s.Before(i)
		}
	}
	return nil
}

// fields are the words that a word of a script stands for: itself, or what is in its variables, as
// far as the script, ENV or ARG say that. There are none if it is not known.
func fields(s *lint.Stage, run *lint.Run, script *shellscript.Script, w shellscript.Word) []shellscript.Word {
	if w.Literal {
		return []shellscript.Word{w}
	}
	if strings.Contains(w.S, "$(") || strings.Contains(w.S, "`") {
		return nil
	}
	known := true
	text := lint.Expand(w.S, func(name string) (string, bool) {
		value, ok := assigned(script, name)
		if !ok {
			known = false
		} else if value == "" {
			if e := effective(s, run); e != nil {
				value, ok = e.Lookup(name)
			}
			known = known && value != ""
		}
		return value, ok
	})
	if !known || strings.ContainsAny(text, "$`") {
		return nil
	}
	parts := strings.Fields(text)
	if w.Quoted {
		parts = []string{text}
	}
	var out []shellscript.Word
	for _, part := range parts {
		if part == "" || part[0] == '-' {
			return nil // a flag, whose value may be the next word
		}
		one := cutWord(w, part)
		one.Literal = true
		out = append(out, one)
	}
	return out
}

// assigned gives what a script sets a variable to, "" if it does not. It is not known where a loop sets
// it, or several assignments do, or one with other variables.
func assigned(script *shellscript.Script, name string) (value string, known bool) {
	if script.Tree == nil || name == "" {
		return "", false
	}
	if !strings.Contains(script.Text.S, name+"=") && !strings.Contains(script.Text.S, name+"+=") && !strings.Contains(script.Text.S, "for "+name) {
		return "", true // most scripts, without a walk
	}
	count := 0
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.WordIter:
			if n.Name.Value == name {
				count = 2
			}
		case *syntax.Assign:
			if n.Name == nil || n.Name.Value != name {
				break
			}
			count++
			if n.Value == nil || n.Append {
				count = 2
				break
			}
			w := script.Word(n.Value)
			if value = w.S; !w.Literal || value == "" {
				count = 2
			}
		}
		return count < 2
	})
	return value, count < 2
}
