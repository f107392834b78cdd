package hadolintyaml

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/yamldoc"
)

// Parse reads a configuration. All problems are reported, each with its place.
func Parse(path string, data []byte) (*Config, error) {
	doc, err := yamldoc.Parse(path, data)
	if err != nil {
		return nil, err
	}
	r := &reader{Config: defaults(), Document: doc}
	r.Path = path
	if doc.Body != nil {
		r.file(doc.Body)
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	r.settle()
	return r.Config, nil
}

type reader struct {
	*Config
	*yamldoc.Document
	problems diag.List
}

func (r *reader) fail(at diag.Position, hint, format string, args ...any) {
	e := diag.Errorf(at, format, args...)
	if hint != "" {
		e.Hints = append(e.Hints, hint)
	}
	r.problems.Add(e)
}

// resolve follows anchors and aliases; nil after it has reported a problem.
func (r *reader) resolve(n ast.Node) ast.Node {
	resolved, err := r.Resolve(n)
	if err != nil {
		r.problems.Add(err)
		return nil
	}
	return resolved
}

// mapping calls fn for each key of a mapping. Nothing at all is an empty one.
func (r *reader) mapping(n ast.Node, what string, fn func(key string, at diag.Position, value ast.Node)) {
	n = r.resolve(n)
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case nil, *ast.NullNode:
		return
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		r.fail(r.At(n), "", "cannot read %s: want a mapping (key: value)", what)
		return
	}
	seen := map[string]bool{}
	for _, kv := range values {
		at := r.At(kv.Key)
		key, ok := yamldoc.Scalar(kv.Key)
		switch {
		case !ok:
			r.fail(at, "", "cannot read %s: a key has to be plain text", what)
		case seen[key]:
			r.fail(at, "remove one of them", "cannot use the key %q twice", key)
		default:
			seen[key] = true
			fn(key, at, kv.Value)
		}
	}
}

var keys = []string{
	"failure-threshold", "format", "ignored", "label-schema", "no-color", "no-fail", "override", "strict-labels",
	"disable-ignore-pragma", "trustedRegistries",
}

func (r *reader) file(body ast.Node) {
	r.mapping(body, "the file", func(key string, at diag.Position, value ast.Node) {
		switch key {
		case "failure-threshold":
			r.text(value, key, func(s string) (err error) {
				r.FailureThreshold, err = threshold(s)
				return err
			})
		case "format":
			r.text(value, key, func(s string) error {
				r.Format = s
				return oneOf(s, "format", formats)
			})
		case "ignored":
			r.ignored = r.codes(value, key)
		case "label-schema":
			r.labels(value)
		case "no-color":
			r.flag(value, key, &r.NoColor)
		case "no-fail":
			r.flag(value, key, &r.NoFail)
		case "override":
			r.override(value)
		case "strict-labels":
			r.flag(value, key, &r.Options.StrictLabels)
		case "disable-ignore-pragma":
			r.flag(value, key, &r.Options.NoPragmas)
		case "trustedRegistries":
			r.list(value, key, true, func(s string, _ diag.Position) { r.Options.TrustedRegistries = append(r.Options.TrustedRegistries, s) })
		default:
			r.unknown(at, key, "", keys)
		}
	})
}

func (r *reader) unknown(at diag.Position, key, in string, known []string) {
	hint := "the keys are: " + strings.Join(known, ", ")
	if near := diag.Nearest(key, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.fail(at, hint, "cannot use the key %q%s: it is unknown", key, in)
}

func (r *reader) text(n ast.Node, key string, set func(string) error) {
	n = r.resolve(n)
	if n == nil {
		return
	}
	s, ok := yamldoc.Scalar(n)
	if !ok {
		r.fail(r.At(n), "", "cannot read %s: want text", key)
		return
	}
	if err := set(s); err != nil {
		r.fail(r.At(n), "", "cannot use %s: %w", key, err)
	}
}

func (r *reader) flag(n ast.Node, key string, to *bool) {
	n = r.resolve(n)
	if n == nil {
		return
	}
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.fail(r.At(n), "", "cannot read %s: want true or false", key)
		return
	}
	*to = b.Value
}

// list calls add for each item. Nothing at all is an empty list; some lists may be one item alone.
func (r *reader) list(n ast.Node, key string, alone bool, add func(string, diag.Position)) {
	n = r.resolve(n)
	var values []ast.Node
	switch l := n.(type) {
	case nil, *ast.NullNode:
		return
	case *ast.SequenceNode:
		values = l.Values
	default:
		if _, ok := yamldoc.Scalar(n); !ok || !alone {
			r.fail(r.At(n), "", "cannot read %s: want a list", key)
			return
		}
		values = []ast.Node{n}
	}
	for _, v := range values {
		if v = r.resolve(v); v == nil {
			continue
		}
		s, ok := yamldoc.Scalar(v)
		if !ok {
			r.fail(r.At(v), "", "cannot read %s: want text", key)
			continue
		}
		add(s, r.At(v))
	}
}

// codes reads a list of rules.
func (r *reader) codes(n ast.Node, key string) (out []string) {
	r.list(n, key, false, func(s string, at diag.Position) {
		out = append(out, s)
		if _, ok := r.Named[s]; !ok {
			r.Named[s] = at
		}
	})
	return out
}

func (r *reader) override(n ast.Node) {
	var names []string
	byName := map[string]lint.Severity{}
	for _, level := range levels {
		names = append(names, level.String())
		byName[level.String()] = level
	}
	r.mapping(n, "override", func(key string, at diag.Position, value ast.Node) {
		level, ok := byName[key]
		if !ok {
			r.unknown(at, key, " in override", names)
			return
		}
		r.overrides[level] = r.codes(value, "override."+key)
	})
}

func (r *reader) labels(n ast.Node) {
	r.Options.LabelSchema = map[string]string{}
	r.mapping(n, "label-schema", func(key string, _ diag.Position, value ast.Node) {
		r.text(value, "label-schema."+key, func(kind string) error {
			r.Options.LabelSchema[key] = kind
			return oneOf(kind, "kind of label", kinds)
		})
	})
}
