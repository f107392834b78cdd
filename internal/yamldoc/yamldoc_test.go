package yamldoc

import (
	"testing"

	"github.com/goccy/go-yaml/ast"
)

func TestParseFailures(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"not UTF-8", "a: \xff", "f.yaml: cannot parse YAML: the file is not UTF-8"},
		{"two documents", "a: 1\n---\nb: 2\n", "f.yaml:3:1: cannot parse YAML: a second document begins here"},
		{"a quote that does not end", "ä: 1\nb: \"x\n", `f.yaml:2:4: cannot parse YAML: could not find end character of double-quoted text`},
	} {
		doc, err := Parse("f.yaml", []byte(c.source))
		if doc != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, %v, want %s", c.name, doc, err, c.want)
		}
	}
}

func TestEmptyDocuments(t *testing.T) {
	for _, source := range []string{"", "# nothing\n", "---\n", "null\n", "\uFEFF"} {
		if doc, err := Parse("f.yaml", []byte(source)); err != nil || doc.Body != nil {
			t.Errorf("%q: got %v, %v", source, doc, err)
		}
	}
}

// values gives the keys of a mapping and what they stand for.
func values(t *testing.T, doc *Document) map[string]ast.Node {
	t.Helper()
	out := map[string]ast.Node{}
	for _, kv := range doc.Body.(*ast.MappingNode).Values {
		key, ok := Scalar(kv.Key)
		if !ok {
			t.Fatalf("%v is no key", kv.Key)
		}
		out[key] = kv.Value
	}
	return out
}

func TestPlaces(t *testing.T) {
	doc, err := Parse("f.yaml", []byte("\uFEFFa: ä\n\"éé\": [x, {y: z}]\nb:\n  c: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	v := values(t, doc)
	list := v["éé"].(*ast.SequenceNode)
	for _, c := range []struct {
		node ast.Node
		want string
	}{
		{doc.Body, "f.yaml:1:1"},
		{v["a"], "f.yaml:1:4"},
		{list, "f.yaml:2:9"}, // é is two bytes
		{list.Values[1], "f.yaml:2:13"},
		{v["b"], "f.yaml:4:3"}, // a mapping begins with its first key
	} {
		if got := doc.At(c.node).String(); got != c.want {
			t.Errorf("%v: at %s, want %s", c.node, got, c.want)
		}
	}
}

func TestResolve(t *testing.T) {
	doc, err := Parse("f.yaml", []byte("a: &x 1.10\nb: *x\nc: &y 1.10\nd: *y\ne: !!str 1\nf: !!int 1\ng: *none\nh: &loop !!str *loop\n"))
	if err != nil {
		t.Fatal(err)
	}
	v := values(t, doc)
	for key, want := range map[string]string{"a": "1.10", "b": "1.10", "c": "1.10", "d": "1.10", "e": "1"} {
		n, err := doc.Resolve(v[key])
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if got, ok := Scalar(n); !ok || got != want {
			t.Errorf("%s: got %q %v, want %q", key, got, ok, want)
		}
	}
	if n, err := doc.Resolve(v["f"]); err != nil || n.Type() != ast.TagType {
		t.Errorf("a tag became %v, %v", n, err)
	}
	for key, want := range map[string]string{
		"g": "f.yaml:7:4: cannot find the anchor &none",
		"h": "f.yaml:8:15: cannot follow *loop: it contains itself",
	} {
		if n, err := doc.Resolve(v[key]); n != nil || err == nil || err.Error() != want {
			t.Errorf("%s: got %v, %v, want %s", key, n, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &x [1, *x]\nb: {c: 'd'}\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse("f.yaml", data)
		if (doc == nil) == (err == nil) {
			t.Fatalf("got %v, %v", doc, err)
		}
		if doc != nil && doc.Body != nil {
			doc.At(doc.Body)
		}
	})
}
