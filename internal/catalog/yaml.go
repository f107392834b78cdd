package catalog

// Strict YAML with positions. goccy/go-yaml parses; this file turns its tree into
// wire structs, because the library's own decoder stops at the first problem,
// forgets positions of values, and turns 1.10 into 1.1. Here every problem is
// reported, every value keeps its place, and scalars stay as they were written.
//
// A field of a wire struct is one of the leaf types below, a list or dict of
// them, or another struct; its `yaml` tag is its key. The same structs give the
// JSON Schema (schema.go), so that the two cannot disagree.

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/plinth-build/plinth/internal/diag"
)

// leaf is a wire type that reads itself from a node; key is the path of the node for messages.
type leaf interface {
	decode(d *decoder, n ast.Node, key string)
}

// located is embedded in wire structs whose own position is needed.
type located struct{ pos diag.Position }

func (l *located) setPos(p diag.Position) { l.pos = p }

// text is a string. A number or a boolean is refused: quotes were forgotten.
type text struct {
	located
	v   string
	set bool // the key is there
	ok  bool // and its value could be read
}

// scalar is a string, a number or a boolean, as written.
type scalar struct {
	located
	v   string
	set bool
	ok  bool
}

// text is the scalar as a text, for checks that both have in common.
func (s scalar) text() text { return text(s) }

// flag is true or false.
type flag struct {
	located
	v   bool
	set bool
}

// list is a sequence.
type list[T any] struct {
	located
	items []T
	set   bool
	ok    bool
}

// dict is a mapping with free keys, in the order written.
type dict[T any] struct {
	located
	entries []entry[T]
	set     bool
}

type entry[T any] struct {
	key   string
	pos   diag.Position // of the key
	value T
}

type decoder struct {
	file     string
	lines    []string // set when the file is not plain ASCII: columns must be converted
	anchors  map[string]ast.Node
	problems *diag.List
}

// decodeYAML reads data into the wire struct that into points to. Problems are
// added to the list; what could be read is read. It returns false when the file
// as a whole could not be.
func decodeYAML(file string, data []byte, into any, problems *diag.List) bool {
	d := &decoder{file: file, problems: problems, anchors: map[string]ast.Node{}}
	if !utf8.Valid(data) {
		d.fail(diag.Position{File: file}, "cannot parse YAML: the file is not UTF-8")
		return false
	}
	source := strings.TrimPrefix(string(data), "\uFEFF")
	for i := range len(source) {
		if source[i] >= utf8.RuneSelf {
			d.lines = strings.Split(source, "\n")
			break
		}
	}
	root, ok := d.parse(source)
	if !ok || root == nil {
		return ok
	}
	d.findAnchors(root)
	d.value(root, into, "")
	return isMapping(d.resolve(root))
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// parse gives the body of the one document; nil when the file is empty.
func (d *decoder) parse(source string) (body ast.Node, ok bool) {
	file, err := parseTree(source)
	if err != nil {
		pos := diag.Position{File: d.file, Line: 1}
		reason := err.Error()
		var located yaml.Error
		if errors.As(err, &located) {
			reason = located.GetMessage()
			if tk := located.GetToken(); tk != nil {
				pos = d.pos(tk)
			}
		}
		d.fail(pos, "cannot parse YAML: %s", reason)
		return nil, false
	}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			d.fail(d.at(doc.Body), "cannot parse YAML: a second document begins here").
				Hint("keep one document in the file")
			return nil, false
		}
		body = doc.Body
	}
	if body != nil && body.Type() == ast.NullType {
		body = nil
	}
	return body, true
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

func (d *decoder) findAnchors(root ast.Node) {
	for _, n := range ast.Filter(ast.AnchorType, root) {
		if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
			d.anchors[a.Name.GetToken().Value] = a.Value
		}
	}
}

// pos is the place of a token. The library counts columns in characters.
func (d *decoder) pos(tk *token.Token) diag.Position {
	p := diag.Position{File: d.file}
	if tk == nil || tk.Position == nil {
		return p
	}
	p.Line, p.Column = tk.Position.Line, max(tk.Position.Column, 1)
	if d.lines != nil && p.Line >= 1 && p.Line <= len(d.lines) {
		column := 1
		for i := range d.lines[p.Line-1] {
			if column == p.Column {
				p.Column = i + 1
				break
			}
			column++
		}
	}
	return p
}

func (d *decoder) at(n ast.Node) diag.Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.at(n.Values[0].Key)
		}
		return d.pos(n.Start)
	case *ast.MappingValueNode:
		return d.at(n.Key)
	}
	return d.pos(n.GetToken())
}

func (d *decoder) fail(pos diag.Position, format string, args ...any) *diag.Error {
	e := diag.Errorf(pos, format, args...)
	d.problems.Add(e)
	return e
}

// wrong reports a value of the wrong type.
func (d *decoder) wrong(n ast.Node, key, want string) *diag.Error {
	if n.Type() == ast.NullType {
		return d.fail(d.at(n), "cannot read %s: it has no value", key).Hint("give it a value, or remove the key")
	}
	return d.fail(d.at(n), "cannot read %s: want %s, found %s", key, want, describe(n))
}

func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	case *ast.BoolNode:
		return "the boolean " + n.GetToken().Value
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", n.Value)
	case *ast.LiteralNode:
		return "text"
	case *ast.TagNode:
		return "the tag " + n.Start.Value
	}
	return "something else"
}

// resolve follows anchors and aliases. It returns nil after it has reported a
// problem. An alias can only contain itself as long as it leads to another one:
// wire structs are not recursive, so that reading what it stands for ends.
func (d *decoder) resolve(n ast.Node) ast.Node {
	followed := map[string]bool{}
	for {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			if t.Start.Value != "!!str" {
				return t
			}
			n = t.Value
		case *ast.AliasNode:
			name := t.Value.GetToken().Value
			target, ok := d.anchors[name]
			switch {
			case !ok:
				d.fail(d.at(t), "cannot find the anchor &%s", name)
				return nil
			case followed[name]:
				d.fail(d.at(t), "cannot follow *%s: it contains itself", name)
				return nil
			}
			followed[name] = true
			n = target
		case nil:
			return nil
		default:
			return n
		}
	}
}

// value reads n into the leaf or struct that into points to.
func (d *decoder) value(n ast.Node, into any, key string) {
	n = d.resolve(n)
	if n == nil {
		return
	}
	if p, ok := into.(interface{ setPos(diag.Position) }); ok {
		p.setPos(d.at(n))
	}
	if l, ok := into.(leaf); ok {
		l.decode(d, n, key)
		return
	}
	d.fields(n, reflect.ValueOf(into).Elem(), key)
}

// fields reads a mapping into a struct.
func (d *decoder) fields(n ast.Node, v reflect.Value, key string) {
	known, byKey := wireKeys(v)
	d.mapping(n, key, func(name string, pos diag.Position, value ast.Node) {
		if field, ok := byKey[name]; ok {
			d.value(value, field.Addr().Interface(), join(key, name))
			return
		}
		where := ""
		if key != "" {
			where = " in " + key
		}
		e := d.fail(pos, "cannot use the key %q%s: it is unknown", name, where)
		if near := diag.Nearest(name, known); near != "" {
			e.Hint("did you mean %s?", near)
		} else {
			e.Hint("the keys are: %s", strings.Join(known, ", "))
		}
	})
}

// wireKeys are the keys of a wire struct in their order, with the fields they fill.
func wireKeys(v reflect.Value) (keys []string, byKey map[string]reflect.Value) {
	byKey = map[string]reflect.Value{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if tag := field.Tag.Get("yaml"); tag != "" {
			keys = append(keys, tag)
			byKey[tag] = v.Field(i)
		} else if field.Anonymous {
			inner, fields := wireKeys(v.Field(i))
			keys = append(keys, inner...)
			for k, f := range fields {
				byKey[k] = f
			}
		}
	}
	return keys, byKey
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// mapping calls each for the keys of n in their order, once for a key that is there twice.
func (d *decoder) mapping(n ast.Node, key string, each func(name string, pos diag.Position, value ast.Node)) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		if key == "" {
			key = "the file"
		}
		d.wrong(n, key, "a mapping (key: value)")
		return
	}
	first := map[string]diag.Position{}
	for _, kv := range values {
		pos := d.at(kv.Key)
		if kv.Key.IsMergeKey() {
			d.fail(pos, "cannot merge mappings with <<").Hint("write the keys out")
			continue
		}
		name, ok := d.keyName(kv.Key)
		if !ok {
			d.fail(pos, "cannot use %s as a key", describe(kv.Key)).Hint("keys are plain text")
			continue
		}
		if before, ok := first[name]; ok {
			d.fail(pos, "cannot use the key %q twice: the first one is in line %d", name, before.Line).
				Hint("remove one of them")
			continue
		}
		first[name] = pos
		each(name, pos, kv.Value)
	}
}

func (d *decoder) keyName(n ast.MapKeyNode) (string, bool) {
	if s, ok := scalarText(n); ok {
		return s, true
	}
	return "", false
}

// scalarText is a scalar as written, without its quotes.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func (t *text) decode(d *decoder, n ast.Node, key string) {
	t.set = true
	switch n := n.(type) {
	case *ast.StringNode:
		t.v, t.ok = n.Value, true
	case *ast.LiteralNode:
		t.v, t.ok = n.Value.Value, true
	default:
		e := d.wrong(n, key, "text")
		if s, ok := scalarText(n); ok {
			e.Hint("put it in quotes: %q", s)
		}
	}
}

func (s *scalar) decode(d *decoder, n ast.Node, key string) {
	s.set = true
	v, ok := scalarText(n)
	if !ok {
		d.wrong(n, key, "text or a number")
		return
	}
	s.v, s.ok = v, true
}

func (f *flag) decode(d *decoder, n ast.Node, key string) {
	f.set = true
	b, ok := n.(*ast.BoolNode)
	if !ok {
		d.wrong(n, key, "true or false")
		return
	}
	f.v = b.Value
}

func (l *list[T]) decode(d *decoder, n ast.Node, key string) {
	l.set = true
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		e := d.wrong(n, key, "a list")
		if s, ok := scalarText(n); ok {
			e.Hint("write it as a list: [%s]", s)
		}
		return
	}
	l.ok = true
	l.items = make([]T, len(seq.Values))
	for i, item := range seq.Values {
		d.value(item, &l.items[i], fmt.Sprintf("%s[%d]", key, i))
	}
}

func (m *dict[T]) decode(d *decoder, n ast.Node, key string) {
	m.set = true
	d.mapping(n, key, func(name string, pos diag.Position, value ast.Node) {
		e := entry[T]{key: name, pos: pos}
		d.value(value, &e.value, join(key, name))
		m.entries = append(m.entries, e)
	})
}
