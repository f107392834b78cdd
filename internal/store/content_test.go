package store

import (
	"fmt"
	"testing"
)

// given is what an image with this config and these layers gives to others.
func given(t *testing.T, config string, layers ...string) string {
	t.Helper()
	s := open(t)
	r, err := s.Record(id, "a", Image{Manifest: image(t, s, config, layers...)}, built)
	try(t, err)
	return r.Content
}

func TestContentIsWhatOthersGet(t *testing.T) {
	const fields = `"architecture":"amd64","config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"x"}]`
	base := given(t, "{"+fields+`,"created":"2026-01-01T00:00:00Z"}`, "a", "b")
	for name, same := range map[string]string{
		"created":         given(t, "{"+fields+`,"created":"2027-01-01T00:00:00Z"}`, "a", "b"),
		"order of fields": given(t, `{"created":"2027-01-01T00:00:00Z",`+fields+"}", "a", "b"),
		"no time":         given(t, "{"+fields+"}", "a", "b"),
	} {
		if same != base {
			t.Errorf("%s counts", name)
		}
	}
	const labelled = `{"architecture":"amd64","config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"v","org.opencontainers.image.%s":"%s"}},"history":[{"created_by":"x"}]}`
	for _, key := range []string{"title", "description", "authors", "licenses", "documentation", "url", "source", "revision", "version", "created", "ref.name", "base.name", "base.digest"} {
		if got := given(t, fmt.Sprintf(labelled, key, "1"), "a", "b"); got != base {
			t.Errorf("the label %s counts", key)
		}
		if !IsFactLabel("org.opencontainers.image." + key) {
			t.Errorf("%s is a fact about one image", key)
		}
	}
	seen := map[string]string{base: "the first"}
	for name, other := range map[string]string{
		"vendor":          given(t, `{"architecture":"amd64","config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"w"}},"history":[{"created_by":"x"}]}`, "a", "b"),
		"label":           given(t, `{"architecture":"amd64","config":{"User":"7","Labels":{"mine":"2","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"x"}]}`, "a", "b"),
		"user":            given(t, `{"architecture":"amd64","config":{"User":"8","Labels":{"mine":"1","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"x"}]}`, "a", "b"),
		"unknown field":   given(t, `{"architecture":"amd64","x":1,"config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"x"}]}`, "a", "b"),
		"history":         given(t, `{"architecture":"amd64","config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"y"}]}`, "a", "b"),
		"architecture":    given(t, `{"architecture":"arm64","config":{"User":"7","Labels":{"mine":"1","org.opencontainers.image.vendor":"v"}},"history":[{"created_by":"x"}]}`, "a", "b"),
		"order of layers": given(t, "{"+fields+"}", "b", "a"),
		"layer":           given(t, "{"+fields+"}", "a"),
		"empty config":    given(t, "{}", "a", "b"),
	} {
		if before, ok := seen[other]; ok {
			t.Errorf("%s does not count: it is as %s", name, before)
		}
		seen[other] = name
	}
	if IsFactLabel("org.opencontainers.image.vendor") || IsFactLabel("mine") {
		t.Error("a vendor is that of all images")
	}
}

func TestContentOfDamagedConfigs(t *testing.T) {
	s := open(t)
	for config, want := range map[string]string{
		"nonsense":                 "cannot record a: cannot read the image config: invalid character 'o' in literal null (expecting 'u')",
		`{"config":[]}`:            "cannot record a: cannot read the image config: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
		`{"config":{"Labels":[]}}`: "cannot record a: cannot read the image's labels: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
	} {
		_, err := s.Record(id, "a", Image{Manifest: image(t, s, config)}, built)
		wantError(t, err, want)
	}
}

func TestResultsOfOlderVersionsAreBuiltAgain(t *testing.T) {
	s, r := recorded(t)
	r.Content = ""
	try(t, s.writeJSON(s.idPath(id), r))
	if got, err := s.Lookup(id); err != nil || got.ID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}
