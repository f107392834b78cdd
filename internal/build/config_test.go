package build

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

func TestLabelsOfTheBase(t *testing.T) {
	f := newFixture(t)
	const p = "org.opencontainers.image."
	r := f.request("FROM base\nLABEL "+p+"title=Base "+p+"version=1 "+p+"vendor=Acme "+p+"url=u other=kept\nLABEL \""+p+"licenses\"=\"MIT\"\nONBUILD LABEL "+p+"authors=me\n", nil)
	r.Labels = map[string]string{p + "revision": "abc", p + "source": "s", p + "base.name": "b", p + "created": "then"}
	parent := f.build(r).Manifest.Digest
	for _, c := range []struct {
		dockerfile string
		labels     map[string]string // given
		want       map[string]string // besides vendor and other
	}{
		{"FROM base\nRUN echo 1 > /1\n", nil, map[string]string{p + "authors": "me"}},
		{"FROM base\nLABEL " + p + "title=Mine " + p + "version=\"1\"\n", nil, map[string]string{p + "authors": "me", p + "title": "Mine", p + "version": "1"}},
		{"FROM base AS mid\nLABEL " + p + "title=\"Base\"\nFROM mid\n", nil, map[string]string{p + "authors": "me", p + "title": "Base"}},
		{"FROM base AS other\nLABEL " + p + "title=Base\nFROM base\nCOPY --from=other /base /b\n", nil, map[string]string{p + "authors": "me"}},
		{"FROM base\n", map[string]string{p + "revision": "abc", p + "source": "t"}, map[string]string{p + "authors": "me", p + "revision": "abc", p + "source": "t"}},
		{"FROM base\nARG X=title\nLABEL " + p + "${X}=Base\n", nil, map[string]string{p + "authors": "me", p + "title": "Base"}},
	} {
		r := f.request(c.dockerfile, nil)
		r.Named[0].Manifest = parent
		r.Labels = c.labels
		want := map[string]string{p + "vendor": "Acme", "other": "kept"}
		maps.Copy(want, c.want)
		if got := f.config(f.build(r).Manifest.Digest).Config.Labels; !maps.Equal(got, want) {
			t.Errorf("%q: labels\n%v, want\n%v", c.dockerfile, got, want)
		}
	}
	r = f.request("FROM scratch\nCOPY --from=base /base /\nLABEL "+p+"title=Base\n", nil)
	r.Named[0].Manifest = parent
	if got := f.config(f.build(r).Manifest.Digest).Config.Labels; got[p+"title"] != "Base" {
		t.Errorf("labels %v", got)
	}
}

func TestCreatedAndAnnotations(t *testing.T) {
	f := newFixture(t)
	for _, how := range []Squash{SquashNone, SquashOwn} {
		r := f.squashed(how, "FROM base\nHEALTHCHECK --start-interval=2s CMD true\nRUN echo 1 > /1\n", nil)
		r.Created = time.Date(2026, 2, 3, 4, 5, 6, 789, time.FixedZone("x", 3600))
		r.Annotations = map[string]string{"b": "2", "a": "<1>"}
		d := f.build(r).Manifest.Digest
		config, err := f.store.ReadConfig(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"created":"2026-02-03T03:05:06Z"`, `"StartInterval":2000000000`} {
			if !strings.Contains(string(config), want) {
				t.Errorf("%s is not in %s", want, config)
			}
		}
		if got := f.config(d).History[0].Created.Unix(); got != epoch {
			t.Errorf("the history is of %d", got)
		}
		if got := f.manifest(d).Annotations; !maps.Equal(got, r.Annotations) {
			t.Errorf("annotations %v", got)
		}
		r.Annotations, r.Created = nil, time.Time{}
		plain := f.build(r).Manifest.Digest
		if raw, err := f.store.ReadBlob(plain); err != nil || strings.Contains(string(raw), "annotations") {
			t.Errorf("manifest %s, %v", raw, err)
		}
		if got := f.config(plain).Created.Unix(); got != epoch {
			t.Errorf("created %d", got)
		}
	}
}

func TestFinish(t *testing.T) {
	for _, c := range []struct {
		config, base string
		layers       []bool // from the last one on
		want         string
	}{
		{`{"config":{"Labels":{"org.opencontainers.image.title":"x"}}}`, `{"config":{"Labels":{"org.opencontainers.image.title":"x"}}}`, nil, `{"config":{}}`},
		{`{"config":{"User":"1","Labels":{"org.opencontainers.image.title":"y"}}}`, `{"config":{"Labels":{"org.opencontainers.image.title":"x"}}}`, nil, `{"config":{"Labels":{"org.opencontainers.image.title":"y"},"User":"1"}}`},
		{`{"config":{"Labels":{"title":"x"},"Zed":{"a":1}},"more":[1]}`, `{"config":{"Labels":{"title":"x"}}}`, nil, `{"config":{"Labels":{"title":"x"},"Zed":{"a":1}},"more":[1]}`},
		{`{"a":1}`, ``, nil, `{"a":1}`},
		{`{"a":1}`, `{"history":[{},{}]}`, nil, `{"a":1}`},
		{`{"history":[{"created_by":"1"},{"created_by":"2","x":1},{"created_by":"e","empty_layer":true},{"created_by":"3"}]}`, ``, []bool{true, false},
			`{"history":[{"created_by":"1"},{"created_by":"2","empty_layer":true,"x":1},{"created_by":"e","empty_layer":true},{"created_by":"3"}]}`},
		{`{"history":[{"created_by":"1"}]}`, ``, []bool{false, false, false}, `{"history":[{"created_by":"1","empty_layer":true}]}`},
	} {
		f := &frontEnd{layers: c.layers}
		res := gateway.NewResult()
		res.AddMeta(exptypes.ExporterImageConfigKey, []byte(c.config))
		if c.base != "" {
			res.AddMeta(exptypes.ExporterImageBaseConfigKey, []byte(c.base))
		}
		if err := f.finish(res); err != nil {
			t.Errorf("%s: %v", c.config, err)
		}
		if got := string(res.Metadata[exptypes.ExporterImageConfigKey]); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if string(f.baseConfig) != c.base {
			t.Errorf("base %s", f.baseConfig)
		}
	}
	for _, bad := range []string{``, `null`, `[]`, `{"history":1}`, `{"config":1}`, `{"config":{"Labels":1}}`} {
		f := &frontEnd{layers: []bool{false}}
		res := gateway.NewResult()
		res.AddMeta(exptypes.ExporterImageConfigKey, []byte(bad))
		res.AddMeta(exptypes.ExporterImageBaseConfigKey, []byte(`{"config":{"Labels":{"org.opencontainers.image.title":"x"}}}`))
		if err := f.finish(res); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func FuzzFinish(f *testing.F) {
	f.Add([]byte(`{"config":{"Labels":{"org.opencontainers.image.title":"x"}},"history":[{"empty_layer":true},{}]}`), []byte(`{"config":{"Labels":{"org.opencontainers.image.title":"x"}}}`))
	f.Add([]byte(`{"config":null,"history":[null]}`), []byte(`{"history":[{}]}`))
	f.Fuzz(func(t *testing.T, config, base []byte) {
		front := &frontEnd{layers: []bool{true, false, false}}
		res := gateway.NewResult()
		res.AddMeta(exptypes.ExporterImageConfigKey, config)
		res.AddMeta(exptypes.ExporterImageBaseConfigKey, base)
		if front.finish(res) == nil && !json.Valid(res.Metadata[exptypes.ExporterImageConfigKey]) {
			t.Errorf("not JSON: %q", res.Metadata[exptypes.ExporterImageConfigKey])
		}
	})
}
