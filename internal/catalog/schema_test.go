package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/plinth-build/plinth/internal/diag"
)

// validator checks one of the two files against the published schema.
func validator(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("plinth.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plinth.json#/$defs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accepts says whether the schema takes a YAML file, as an editor does it: through JSON.
func accepts(t *testing.T, s *jsonschema.Schema, file string) bool {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value) == nil
}

// decodes says whether the loader takes the keys and types of a file.
func decodes(name, file string) bool {
	var problems diag.List
	if name == ConfigFile {
		decodeYAML(name, []byte(file), &wireConfig{}, &problems)
	} else {
		decodeYAML(name, []byte(file), &wireImage{}, &problems)
	}
	return problems.Len() == 0
}

func TestSchemaAndLoaderAgree(t *testing.T) {
	for file, samples := range map[string]map[string]bool{
		ConfigFile: {
			"registry: a": true,
			"{registry: a, aliases: [b], images: [c], args: {A: 1, B: x, C: true}, labels: {a: b}, platforms: [linux/amd64], refresh: daily, state: s}": true,
			"{registry: a, debian: {keyring: k, signers: [1, x], releases: {x: {sources: [{uri: a, suite: b, components: [c]}]}}}}":                     true,
			"{registry: a, x: 1}":                                  false,
			"{registry: 1}":                                        false,
			"{registry: a, images: x}":                             false,
			"{registry: a, args: [x]}":                             false,
			"{registry: a, args: {A: [x]}}":                        false,
			"{registry: a, refresh: yearly}":                       false,
			"{registry: a, debian: {x: 1}}":                        false,
			"{registry: a, debian: {releases: {x: {source: []}}}}": false,
			"{registry: a, state: null}":                           false,
		},
		ImageFile: {
			"{}": true,
			"{title: a, description: b, owners: [c], args: {A: 1}, labels: {l: m}, matrix: {d: [12, x]}, name: n, refresh: never, target: t, platforms: [p]}":                                        true,
			"{packages: [a], mode: full, debian: 12, from: f, exclude: [e], docs: true, env: {A: 1}, entrypoint: [a, 1], cmd: [b], user: 1, workdir: /w, ports: [80, 81/udp], stop-signal: 9}":       true,
			"{packages: [], files: [{path: /a, source: s, content: c, mode: 0644, owner: x}], users: [{name: n, uid: 1, gid: 2, home: h, shell: s}], groups: [{name: n, gid: 1}], debian: '{{.d}}'}": true,
			"{titel: a}":                          false,
			"{title: 1}":                          false,
			"{matrix: {d: 12}}":                   false,
			"{packages: a}":                       false,
			"{packages: [1]}":                     false,
			"{mode: thin}":                        false,
			"{docs: 1}":                           false,
			"{files: [{path: /a, moed: 1}]}":      false,
			"{users: [{name: n, uid: 1, id: 2}]}": false,
			"{env: [A=1]}":                        false,
			"{ports: {a: 1}}":                     false,
		},
	} {
		s := validator(t, file)
		for sample, want := range samples {
			if got := accepts(t, s, sample); got != want {
				t.Errorf("%s: the schema says %v for %s", file, got, sample)
			}
			if got := decodes(file, sample); got != want {
				t.Errorf("%s: the loader says %v for %s", file, got, sample)
			}
		}
	}
	// what is missing is for Load to say, and for the schema too
	for sample, file := range map[string]string{
		"{}":                      ConfigFile,
		"{files: [{content: x}]}": ImageFile,
		"{users: [{name: n}]}":    ImageFile,
		"{users: [{uid: 1}]}":     ImageFile,
		"{groups: [{name: n}]}":   ImageFile,
		"{groups: [{gid: 1}]}":    ImageFile,
		"{registry: a, debian: {releases: {12: {}}}}":                      ConfigFile,
		"{registry: a, debian: {releases: {12: {sources: [{uri: x}]}}}}":   ConfigFile,
		"{registry: a, debian: {releases: {12: {sources: [{suite: x}]}}}}": ConfigFile,
	} {
		if accepts(t, validator(t, file), sample) {
			t.Errorf("the schema takes %s", sample)
		}
	}
}

// TestEveryKeyIsDescribed walks the schema beside the wire structs.
func TestEveryKeyIsDescribed(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	if got := root["$schema"]; got != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema is %v", got)
	}
	seen := 0
	var walk func(where string, v any)
	walk = func(where string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		if props, ok := m["properties"].(map[string]any); ok {
			if m["additionalProperties"] != false {
				t.Errorf("%s takes unknown keys", where)
			}
			for key, p := range props {
				seen++
				if d, _ := p.(map[string]any)["description"].(string); !strings.HasSuffix(d, ".") {
					t.Errorf("%s.%s has the description %q", where, key, d)
				}
			}
		}
		for key, sub := range m {
			walk(where+"."+key, sub)
		}
	}
	walk("", root)
	if seen < 50 {
		t.Errorf("only %d keys were checked", seen)
	}
	for file, wire := range map[string]any{ConfigFile: &wireConfig{}, ImageFile: &wireImage{}} {
		want, _ := wireKeys(reflect.ValueOf(wire).Elem())
		slices.Sort(want)
		got := slices.Sorted(maps.Keys(root["$defs"].(map[string]any)[file].(map[string]any)["properties"].(map[string]any)))
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the loader %v", file, got, want)
		}
	}
}

// TestEveryPackageKeyIsKnownAsOne keeps the list in wirePackages.keys complete.
func TestEveryPackageKeyIsKnownAsOne(t *testing.T) {
	w := wirePackages{}
	v := reflect.ValueOf(&w).Elem()
	for i := range v.NumField() {
		f := v.Field(i).Addr().Interface()
		switch f := f.(type) {
		case *text:
			f.set = true
		case *scalar:
			f.set = true
		case *flag:
			f.set = true
		case *modeText:
			f.set = true
		case *list[text]:
			f.set = true
		case *list[scalar]:
			f.set = true
		case *list[wireFile]:
			f.set = true
		case *list[wireUser]:
			f.set = true
		case *list[wireGroup]:
			f.set = true
		case *dict[scalar]:
			f.set = true
		default:
			t.Fatalf("a field of type %T", f)
		}
	}
	want, _ := wireKeys(v)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(w.keys())); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (wirePackages{}).keys(); len(got) != 0 {
		t.Errorf("keys that are not there: %v", got)
	}
}

func FuzzDecodeYAML(f *testing.F) {
	for _, s := range []string{
		"", "a", "- a", "{", "title: x\n", "title: |\n  x\n", "matrix: {a: [1, 2]}\nname: \"{{.a}}\"", "a: &a *a\nb: *c",
		"args: &x {a: 1}\nlabels: *x\n", "---\n---\na: b", "? a\n: b\n", "title: !!str 1", "users: [{name: é, uid: 1}]", "\xEF\xBB\xBFtitle: a\r\n",
		"<<: *a", "a:\n\tb", "%YAML 1.2\n---\ntitle: x", "files:\n- path: /a\n  content: >-\n    x\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, into := range []any{&wireConfig{}, &wireImage{}} {
			var problems diag.List
			ok := decodeYAML("f.yaml", data, into, &problems)
			if !ok && problems.Len() == 0 {
				t.Error("refused without a word")
			}
			for _, e := range diag.Flatten(problems.Err()) {
				if e.Pos.File != "f.yaml" || !strings.HasPrefix(e.Msg, "cannot ") {
					t.Errorf("bad error %v", e)
				}
			}
		}
	})
}
