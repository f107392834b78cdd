// Package yamldoc reads a file of one YAML document into the tree of
// goccy/go-yaml, and says where in the file a node is. The library's own decoder
// stops at the first problem and forgets the places of values; what is built on
// this package goes over the tree itself.
package yamldoc

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
)

// Document is what a file says. Body is nil when it says nothing.
type Document struct {
	Body ast.Node

	file    string
	lines   []string // set when the file is not plain ASCII: columns must be converted
	anchors map[string]ast.Node
}

// Parse reads a file, which may begin with a byte order mark. Keys that are there
// twice are left to the caller. The error has the place of the mistake.
func Parse(file string, data []byte) (*Document, *diag.Error) {
	if !utf8.Valid(data) {
		return nil, diag.Errorf(diag.Position{File: file}, "cannot parse YAML: the file is not UTF-8")
	}
	d := &Document{file: file, anchors: map[string]ast.Node{}}
	source := strings.TrimPrefix(string(data), "\uFEFF")
	for i := range len(source) {
		if source[i] >= utf8.RuneSelf {
			d.lines = strings.Split(source, "\n")
			break
		}
	}
	if err := d.parse(source); err != nil {
		return nil, err
	}
	if d.Body != nil {
		for _, n := range ast.Filter(ast.AnchorType, d.Body) {
			if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
				d.anchors[a.Name.GetToken().Value] = a.Value
			}
		}
	}
	return d, nil
}

func (d *Document) parse(source string) *diag.Error {
	tree, err := parseTree(source)
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
		return diag.Errorf(pos, "cannot parse YAML: %s", reason)
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if d.Body != nil {
			return diag.Errorf(d.At(doc.Body), "cannot parse YAML: a second document begins here").
				Hint("keep one document in the file")
		}
		d.Body = doc.Body
	}
	if d.Body != nil && d.Body.Type() == ast.NullType {
		d.Body = nil
	}
	return nil
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

// pos is the place of a token. The library counts columns in characters.
func (d *Document) pos(tk *token.Token) diag.Position {
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

// At is where a node begins; a mapping begins with its first key.
func (d *Document) At(n ast.Node) diag.Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.At(n.Values[0].Key)
		}
		return d.pos(n.Start)
	case *ast.MappingValueNode:
		return d.At(n.Key)
	}
	return d.pos(n.GetToken())
}

// Resolve follows anchors and aliases, and takes off the tag !!str. An alias can
// only contain itself as long as it leads to another one; who goes on into what it
// stands for must see to it that this ends.
func (d *Document) Resolve(n ast.Node) (ast.Node, *diag.Error) {
	followed := map[string]bool{}
	for {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			if t.Start.Value != "!!str" {
				return t, nil
			}
			n = t.Value
		case *ast.AliasNode:
			name := t.Value.GetToken().Value
			target, ok := d.anchors[name]
			switch {
			case !ok:
				return nil, diag.Errorf(d.At(t), "cannot find the anchor &%s", name)
			case followed[name]:
				return nil, diag.Errorf(d.At(t), "cannot follow *%s: it contains itself", name)
			}
			followed[name] = true
			n = target
		default:
			return n, nil
		}
	}
}

// Scalar is a scalar as it is written, without its quotes: 1.10 stays 1.10.
func Scalar(n ast.Node) (string, bool) {
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
