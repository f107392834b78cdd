package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// labelPair is a label that a LABEL sets.
type labelPair struct {
	syntax.Pair
	key   string // without quotes, with the variables in it that are known
	value string
	known bool // the value has no variables left in it, or is read as if it had none
}

// labelPairs are the labels that a stage sets, those under ONBUILD included.
func labelPairs(p *lint.Pass, s *lint.Stage) (out []labelPair) {
	for i, in := range s.Instructions {
		lookup := s.Before(i).Lookup
		if in.Inner != nil || p.Options.Hadolint {
			// the image that is built on this one has variables of its own, and hadolint expands none
			in, lookup = triggered(in), func(string) (string, bool) { return "", false }
		}
		if in.Keyword != "LABEL" {
			continue
		}
		for _, pair := range in.Pairs() {
			l := labelPair{Pair: pair}
			l.key, _ = expandLabel(pair.Key.S, p.File.Escape, lookup)
			l.value, l.known = expandLabel(pair.Value.S, p.File.Escape, lookup)
			l.known = l.known || p.Options.Hadolint
			out = append(out, l)
		}
	}
	return out
}

// expandLabel takes the quotes off a word and puts values of variables in. It also says whether
// all of them are known. Nothing is expanded in single quotes.
func expandLabel(word string, escape byte, lookup func(string) (string, bool)) (string, bool) {
	text := syntax.Unquote(word, escape)
	if len(word) > 1 && word[0] == '\'' && strings.IndexByte(word[1:], '\'') == len(word)-2 {
		return text, true
	}
	text = lint.Expand(text, lookup)
	return text, len(lint.Variables(text)) == 0
}

// checkLabels reports the values of labels that the label schema wants to be of a kind, and that
// are not. An empty value is DL3051's, one with an unknown variable may be anything.
func checkLabels(p *lint.Pass, s *lint.Stage, kind string, valid func(string) bool, format string) {
	if len(p.Options.LabelSchema) == 0 {
		return
	}
	for _, l := range labelPairs(p, s) {
		if p.Options.LabelSchema[l.key] == kind && l.Has && l.known && strings.TrimSpace(l.value) != "" && !valid(l.value) {
			p.Report(lint.At(l.Value), format, l.key, l.value)
		}
	}
}

// products are the stages that may be images of their own: no other stage stands on them or takes files
// from them. In a catalog it is the stage that is built.
func products(d *lint.Doc) (out []*lint.Stage) {
	part := map[*lint.Stage]bool{}
	for _, s := range d.Stages {
		part[s.Parent] = true
		for _, in := range s.Instructions {
			for _, from := range lint.Sources(in) {
				part[d.SourceStage(s, from.Value)] = true
			}
		}
	}
	for _, s := range d.Stages {
		if s.From != nil && (s.Final || d.Image == nil && !part[s]) {
			out = append(out, s)
		}
	}
	return out
}
