package layer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// ids makes digests of letters.
func ids(letters string) []digest.Digest {
	out := []digest.Digest{}
	for _, c := range letters {
		out = append(out, digest.FromString(string(c)))
	}
	return out
}

// withIDs puts digests in the place of letters: [abc].
func withIDs(t *testing.T, config string) string {
	t.Helper()
	before, rest, ok := strings.Cut(config, `"diff_ids":[`)
	letters, after, ok2 := strings.Cut(rest, "]")
	if !ok || !ok2 {
		return config
	}
	data, err := json.Marshal(ids(letters))
	check(t, err)
	return before + `"diff_ids":` + string(data) + after
}

func TestEditConfig(t *testing.T) {
	const missing = `{"comment":"not in the history of the image"}`
	for name, test := range map[string]struct {
		config string
		from   int
		ids    string
		want   string
	}{
		"two into one": {
			`{"rootfs":{"type":"layers","diff_ids":[abc]},"history":[{"created_by":"A"},{"created_by":"ENV","empty_layer":true},{"created_by":"B"},{"created_by":"CMD","empty_layer":true},{"created_by":"C","comment":"x"},{"created_by":"USER","empty_layer":true}]}`, 1, "ax",
			`{"rootfs":{"type":"layers","diff_ids":[ax]},"history":[{"created_by":"A"},{"created_by":"ENV","empty_layer":true},{"created_by":"B","empty_layer":true},{"created_by":"CMD","empty_layer":true},{"created_by":"C","comment":"x"},{"created_by":"USER","empty_layer":true}]}`,
		},
		"all into one": {
			`{"rootfs":{"diff_ids":[abc]},"history":[{"a":1},{},{"c":3}]}`, 0, "x",
			`{"rootfs":{"diff_ids":[x]},"history":[{"a":1,"empty_layer":true},{"empty_layer":true},{"c":3}]}`,
		},
		"into none": {
			`{"rootfs":{"diff_ids":[abc]},"history":[{"a":1},{"b":2},{"c":3}]}`, 2, "ab",
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2},{"c":3,"empty_layer":true}]}`,
		},
		"all into none": {
			`{"rootfs":{"diff_ids":[a]},"history":[{"a":1}]}`, 0, "",
			`{"rootfs":{"diff_ids":[]},"history":[{"a":1,"empty_layer":true}]}`,
		},
		"one into one": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2}]}`, 1, "ax",
			`{"rootfs":{"diff_ids":[ax]},"history":[{"a":1},{"b":2}]}`,
		},
		"nothing to fold": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2}]}`, 2, "ab",
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2}]}`,
		},
		"everything else stays": {
			" {\n \"history\" : [ { \"b\" : 1 , \"empty_layer\":false } ,{\"empty_layer\" : null,\"created\":\"x\"}, { \t} ],\"x\":1.50, \"config\":{\"Healthcheck\":{\"StartInterval\":7e9}},\"x2\":\"\\u00e9\\/\\ud800\", \"rootfs\": { \"diff_ids\":[abc], \"y\":[1, 2] },\"history2\":[]}\n", 0, "x",
			" {\n \"history\" : [ { \"b\" : 1 , \"empty_layer\":true } ,{\"empty_layer\" : true,\"created\":\"x\"}, { \t} ],\"x\":1.50, \"config\":{\"Healthcheck\":{\"StartInterval\":7e9}},\"x2\":\"\\u00e9\\/\\ud800\", \"rootfs\": { \"diff_ids\":[x], \"y\":[1, 2] },\"history2\":[]}\n",
		},
		"empty entry at the end": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{ },{"b":2}]}`, 0, "x",
			`{"rootfs":{"diff_ids":[x]},"history":[{ "empty_layer":true},{"b":2}]}`,
		},
		"no history":    {`{"rootfs":{"diff_ids":[ab]}}`, 0, "x", `{"rootfs":{"diff_ids":[x]}}`},
		"null history":  {`{"rootfs":{"diff_ids":[ab]},"history":null}`, 0, "x", `{"rootfs":{"diff_ids":[x]},"history":null}`},
		"empty history": {`{"rootfs":{"diff_ids":[ab]},"history":[ ]}`, 0, "x", `{"rootfs":{"diff_ids":[x]},"history":[ ]}`},
		"history of earlier layers only": {
			`{"rootfs":{"diff_ids":[abc]},"history":[{"a":1}]}`, 1, "ax",
			`{"rootfs":{"diff_ids":[ax]},"history":[{"a":1},` + missing + `]}`,
		},
		"history of fewer than the earlier layers": {
			`{"rootfs":{"diff_ids":[abcd]},"history":[{"a":1},{"e":0,"empty_layer":true}]}`, 3, "abcx",
			`{"rootfs":{"diff_ids":[abcx]},"history":[{"a":1},{"e":0,"empty_layer":true},` + missing + "," + missing + "," + missing + `]}`,
		},
		"history of fewer, into none": {
			`{"rootfs":{"diff_ids":[abc]},"history":[{"a":1}]}`, 2, "ab",
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},` + missing + `]}`,
		},
		"history of some folded layers": {
			`{"rootfs":{"diff_ids":[abc]},"history":[{"a":1},{"b":2}]}`, 1, "ax",
			`{"rootfs":{"diff_ids":[ax]},"history":[{"a":1},{"b":2}]}`,
		},
		"history of empty layers only": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{"empty_layer":true}]}`, 0, "x",
			`{"rootfs":{"diff_ids":[x]},"history":[{"empty_layer":true},` + missing + `]}`,
		},
		"history of more": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2},{"c":3},{"d":4}]}`, 1, "ax",
			`{"rootfs":{"diff_ids":[ax]},"history":[{"a":1},{"b":2,"empty_layer":true},{"c":3,"empty_layer":true},{"d":4}]}`,
		},
		"history of more, into none": {
			`{"rootfs":{"diff_ids":[ab]},"history":[{"a":1},{"b":2},{"c":3}]}`, 1, "a",
			`{"rootfs":{"diff_ids":[a]},"history":[{"a":1},{"b":2,"empty_layer":true},{"c":3,"empty_layer":true}]}`,
		},
		"no layers": {`{"rootfs":{"type":"layers","diff_ids":null},"history":[{"empty_layer":true}]}`, 0, "", `{"rootfs":{"type":"layers","diff_ids":null},"history":[{"empty_layer":true}]}`},
		"no ids":    {`{"rootfs":{}}`, 0, "", `{"rootfs":{}}`},
	} {
		got, err := EditConfig([]byte(withIDs(t, test.config)), test.from, ids(test.ids))
		if err != nil || string(got) != withIDs(t, test.want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, withIDs(t, test.want))
		}
	}
}

func TestEditConfigErrors(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		from   int
		ids    string
		want   string
	}{
		"not JSON":            {`{"rootfs":`, 0, "", "unexpected end of JSON input"},
		"nothing":             {``, 0, "", "unexpected end of JSON input"},
		"something behind it": {`{"rootfs":{}}}`, 0, "", "invalid character '}'"},
		"no object":           {`[]`, 0, "", "it does not begin with {"},
		"no rootfs":           {`{}`, 0, "", "it has no rootfs"},
		"rootfs is another":   {`{"rootfs":7}`, 0, "", "rootfs: it does not begin with {"},
		"ids are another":     {`{"rootfs":{"diff_ids":7}}`, 0, "", "rootfs.diff_ids: "},
		"twice":               {`{"rootfs":{},"rootfs":{}}`, 0, "", `"rootfs" is there twice`},
		"ids twice":           {`{"rootfs":{"diff_ids":[],"diff_ids":[]}}`, 0, "", `rootfs: "diff_ids" is there twice`},
		"negative":            {`{"rootfs":{"diff_ids":[a]}}`, -1, "", "it has 1 layers and not -1"},
		"beyond":              {`{"rootfs":{"diff_ids":[a]}}`, 2, "ab", "it has 1 layers and not 2"},
		"other layers":        {`{"rootfs":{"diff_ids":[abc]}}`, 2, "bax", "its first 2 layers are others"},
		"fewer":               {`{"rootfs":{"diff_ids":[abc]}}`, 2, "a", "its first 2 layers are others"},
		"more":                {`{"rootfs":{"diff_ids":[abc]}}`, 1, "axy", "2 layers are not folded into 2"},
		"nothing to fold":     {`{"rootfs":{"diff_ids":[a]}}`, 1, "ax", "it has no layer that could have been folded"},
		"history is another":  {`{"rootfs":{"diff_ids":[ab]},"history":{}}`, 0, "x", "history: it does not begin with ["},
		"an entry is another": {`{"rootfs":{"diff_ids":[ab]},"history":[null]}`, 0, "x", "history: it does not begin with {"},
		"empty_layer is":      {`{"rootfs":{"diff_ids":[ab]},"history":[{"empty_layer":1}]}`, 0, "x", "history: empty_layer: "},
		"other case":          {`{"rootfs":{"diff_ids":[ab]},"History":[]}`, 0, "x", `"History" is to be "history"`},
		"other case of an ID": {`{"rootfs":{"diff_iDs":[]}}`, 0, "x", `rootfs: "diff_iDs" is to be "diff_ids"`},
		"empty_layer twice":   {`{"rootfs":{"diff_ids":[ab]},"history":[{"empty_layer":true,"empty_layer":false}]}`, 0, "x", `history: "empty_layer" is there twice`},
	} {
		got, err := EditConfig([]byte(withIDs(t, test.config)), test.from, ids(test.ids))
		wantErr(t, name, err, "cannot edit the image config: "+test.want)
		if got != nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Whatever the config is, the result is JSON with as many layers in the history as there are.
func FuzzEditConfig(f *testing.F) {
	f.Add([]byte(`{"rootfs":{"diff_ids":["sha256:a","b"]},"history":[{"a":1},{"b":2,"empty_layer":false},{}]}`), 1, true)
	f.Add([]byte(`{"rootfs":{"diff_ids":["a"]},"history":[]}`), 0, false)
	f.Fuzz(func(t *testing.T, config []byte, from int, into bool) {
		var c struct {
			RootFS struct {
				IDs []digest.Digest `json:"diff_ids"`
			} `json:"rootfs"`
			History []struct {
				Empty bool `json:"empty_layer"`
			} `json:"history"`
		}
		if json.Unmarshal(config, &c) != nil || from < 0 || from > len(c.RootFS.IDs) {
			return
		}
		now := c.RootFS.IDs[:from:from]
		if into {
			now = append(now, "x")
		}
		got, err := EditConfig(config, from, now)
		if err != nil {
			return
		}
		c.RootFS.IDs, c.History = nil, nil
		if err := json.Unmarshal(got, &c); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		layers := 0
		for _, h := range c.History {
			if !h.Empty {
				layers++
			}
		}
		if len(c.RootFS.IDs) != len(now) || len(c.History) > 0 && layers != len(now) {
			t.Errorf("%d layers, %d in the history: %s", len(c.RootFS.IDs), layers, got)
		}
	})
}

func TestReplaceDiffIDs(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"two":  {`{ "a" : 1,"rootfs":{"x":[1], "diff_ids" : ["sha256:1","sha256:2"],"type":"layers"},"history":[{"y":2}] }`, `{ "a" : 1,"rootfs":{"x":[1], "diff_ids" : ["sha256:a","sha256:b"],"type":"layers"},"history":[{"y":2}] }`},
		"null": {`{"rootfs":{"diff_ids":null}}`, `{"rootfs":{"diff_ids":[]}}`},
		"none": {`{"rootfs":{"diff_ids":[]}}`, `{"rootfs":{"diff_ids":[]}}`},
	} {
		ids := []digest.Digest{"sha256:a", "sha256:b"}
		if name != "two" {
			ids = nil
		}
		if got, err := ReplaceDiffIDs([]byte(tc.in), ids); err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for in, want := range map[string]string{
		`{`:                                    "cannot edit the image config: unexpected end of JSON input",
		`[]`:                                   "",
		`{}`:                                   "cannot edit the image config: it has no rootfs",
		`{"rootfs":{}}`:                        "cannot edit the image config: rootfs has no diff_ids",
		`{"rootfs":{"diff_ids":["sha256:1"]}}`: "cannot edit the image config: it has 1 layers and not 2",
		`{"rootfs":{"diff_ids":7}}`:            "",
		`{"rootfs":7}`:                         "",
	} {
		_, err := ReplaceDiffIDs([]byte(in), []digest.Digest{"sha256:a", "sha256:b"})
		if err == nil || want != "" && err.Error() != want {
			t.Errorf("%s: got %v", in, err)
		}
	}
}
