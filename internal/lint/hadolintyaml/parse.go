package hadolintyaml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
)

// Parse reads a configuration. All problems are reported, each with its place.
func Parse(path string, data []byte) (*Config, error) {
	r := &reader{Config: defaults(), anchors: map[string]ast.Node{}}
	r.Path = path
	if body := r.parse(data); body != nil {
		r.file(body)
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	r.settle()
	return r.Config, nil
}

type reader struct {
	*Config
	lines    []string
	anchors  map[string]ast.Node
	problems diag.List
}

// parse gives the one document, nil when there is none.
func (r *reader) parse(data []byte) (body ast.Node) {
	start := diag.Position{File: r.Path, Line: 1, Column: 1}
	if !utf8.Valid(data) {
		r.fail(start, "", "cannot parse YAML: the file is not UTF-8")
		return nil
	}
	source := strings.TrimPrefix(string(data), "\uFEFF")
	r.lines = strings.Split(source, "\n")
	file, err := parseTree(source)
	if err != nil {
		at, why := start, err.Error()
		var located yaml.Error
		if errors.As(err, &located) {
			at, why = r.pos(located.GetToken()), located.GetMessage()
		}
		r.fail(at, "", "cannot parse YAML: %s", why)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType {
			continue
		}
		if body != nil {
			r.fail(r.at(doc.Body), "keep one document in the file", "cannot parse YAML: a second document begins here")
			return nil
		}
		body = doc.Body
	}
	if body != nil {
		for _, n := range ast.Filter(ast.AnchorType, body) {
			if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
				r.anchors[a.Name.GetToken().Value] = a.Value
			}
		}
	}
	return body
}

// parseTree guards against the panics that the YAML library has had on broken input.
func parseTree(source string) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML library gave up: %v", p)
		}
	}()
	return parser.ParseBytes([]byte(source), 0, parser.AllowDuplicateMapKey())
}

func (r *reader) fail(at diag.Position, hint, format string, args ...any) {
	e := diag.Errorf(at, format, args...)
	if hint != "" {
		e.Hints = append(e.Hints, hint)
	}
	r.problems.Add(e)
}

// pos is the place of a token. The library counts columns in characters.
func (r *reader) pos(tk *token.Token) diag.Position {
	p := diag.Position{File: r.Path}
	if tk == nil || tk.Position == nil {
		return p
	}
	p.Line, p.Column = tk.Position.Line, max(tk.Position.Column, 1)
	if p.Line >= 1 && p.Line <= len(r.lines) {
		column := 1
		for i := range r.lines[p.Line-1] {
			if column == p.Column {
				p.Column = i + 1
				break
			}
			column++
		}
	}
	return p
}

func (r *reader) at(n ast.Node) diag.Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return r.at(n.Values[0].Key)
		}
		return r.pos(n.Start)
	case *ast.MappingValueNode:
		return r.at(n.Key)
	}
	return r.pos(n.GetToken())
}

// resolve follows anchors and aliases; nil after it has reported a problem.
func (r *reader) resolve(n ast.Node) ast.Node {
	for range 100 {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			n = t.Value
		case *ast.AliasNode:
			target, ok := r.anchors[t.Value.GetToken().Value]
			if !ok {
				r.fail(r.at(t), "", "cannot find the anchor &%s", t.Value.GetToken().Value)
				return nil
			}
			n = target
		default:
			return n
		}
	}
	r.fail(diag.Position{File: r.Path}, "", "cannot follow an alias: it contains itself")
	return nil
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
		r.fail(r.at(n), "", "cannot read %s: want a mapping (key: value)", what)
		return
	}
	seen := map[string]bool{}
	for _, kv := range values {
		at := r.at(kv.Key)
		key, ok := scalar(kv.Key)
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

// scalar is a value as it is written, without quotes.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
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
	s, ok := scalar(n)
	if !ok {
		r.fail(r.at(n), "", "cannot read %s: want text", key)
		return
	}
	if err := set(s); err != nil {
		r.fail(r.at(n), "", "cannot use %s: %w", key, err)
	}
}

func (r *reader) flag(n ast.Node, key string, to *bool) {
	n = r.resolve(n)
	if n == nil {
		return
	}
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.fail(r.at(n), "", "cannot read %s: want true or false", key)
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
		if _, ok := scalar(n); !ok || !alone {
			r.fail(r.at(n), "", "cannot read %s: want a list", key)
			return
		}
		values = []ast.Node{n}
	}
	for _, v := range values {
		if v = r.resolve(v); v == nil {
			continue
		}
		s, ok := scalar(v)
		if !ok {
			r.fail(r.at(v), "", "cannot read %s: want text", key)
			continue
		}
		add(s, r.at(v))
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
