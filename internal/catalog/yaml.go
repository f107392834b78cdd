package catalog

// Strict YAML with positions: this file turns the tree of a document into wire
// structs. Every problem is reported, every value keeps its place, and scalars
// stay as they were written.
//
// A field of a wire struct is one of the leaf types below, a list or dict of
// them, or another struct; its `yaml` tag is its key. The same structs give the
// JSON Schema (schema.go), so that the two cannot disagree.

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/yamldoc"
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
	*yamldoc.Document
	problems *diag.List
}

// decodeYAML reads data into the wire struct that into points to. Problems are
// added to the list; what could be read is read. It returns false when the file
// as a whole could not be.
func decodeYAML(file string, data []byte, into any, problems *diag.List) bool {
	doc, err := yamldoc.Parse(file, data)
	if err != nil {
		problems.Add(err)
		return false
	}
	if doc.Body == nil {
		return true
	}
	d := &decoder{Document: doc, problems: problems}
	d.value(doc.Body, into, "")
	return isMapping(d.resolve(doc.Body))
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func (d *decoder) fail(pos diag.Position, format string, args ...any) *diag.Error {
	e := diag.Errorf(pos, format, args...)
	d.problems.Add(e)
	return e
}

// wrong reports a value of the wrong type.
func (d *decoder) wrong(n ast.Node, key, want string) *diag.Error {
	if n.Type() == ast.NullType {
		return d.fail(d.At(n), "cannot read %s: it has no value", key).Hint("give it a value, or remove the key")
	}
	return d.fail(d.At(n), "cannot read %s: want %s, found %s", key, want, describe(n))
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
// problem. Wire structs are not recursive, so that reading what an alias stands
// for ends.
func (d *decoder) resolve(n ast.Node) ast.Node {
	resolved, err := d.Resolve(n)
	if err != nil {
		d.problems.Add(err)
		return nil
	}
	return resolved
}

// value reads n into the leaf or struct that into points to.
func (d *decoder) value(n ast.Node, into any, key string) {
	n = d.resolve(n)
	if n == nil {
		return
	}
	if p, ok := into.(interface{ setPos(diag.Position) }); ok {
		p.setPos(d.At(n))
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
		pos := d.At(kv.Key)
		if kv.Key.IsMergeKey() {
			d.fail(pos, "cannot merge mappings with <<").Hint("write the keys out")
			continue
		}
		name, ok := yamldoc.Scalar(kv.Key)
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

func (t *text) decode(d *decoder, n ast.Node, key string) {
	t.set = true
	switch n := n.(type) {
	case *ast.StringNode:
		t.v, t.ok = n.Value, true
	case *ast.LiteralNode:
		t.v, t.ok = n.Value.Value, true
	default:
		e := d.wrong(n, key, "text")
		if s, ok := yamldoc.Scalar(n); ok {
			e.Hint("put it in quotes: %q", s)
		}
	}
}

func (s *scalar) decode(d *decoder, n ast.Node, key string) {
	s.set = true
	v, ok := yamldoc.Scalar(n)
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
		if s, ok := yamldoc.Scalar(n); ok {
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
