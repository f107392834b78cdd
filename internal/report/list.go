package report

import (
	"io"
	"strings"

	"github.com/plinth-build/plinth/internal/graph"
)

// List prints targets with what they are made of and what they stand on.
func List(w io.Writer, targets []*graph.Target) {
	rows := make([][]string, 0, len(targets))
	for _, t := range targets {
		rows = append(rows, []string{t.Name, t.Image.Dir, Kind(t), t.Platform.String(), strings.Join(standsOn(t), ", ")})
	}
	Table(w, []string{"TARGET", "FOLDER", "MADE FROM", "PLATFORM", "STANDS ON"}, rows)
}

// Kind says what a target is made from.
func Kind(t *graph.Target) string {
	if t.Flavour != "" {
		return "flavour " + t.Flavour
	}
	if t.Packages != nil {
		return "packages (" + string(t.Packages.Mode) + ")"
	}
	return "Dockerfile"
}

func standsOn(t *graph.Target) []string {
	out := []string{}
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, e := range t.Parents {
		add(e.Target.Name)
	}
	for _, u := range t.Upstreams {
		add(u.Ref.Familiar())
	}
	return out
}

// ListJSON prints the same as a JSON array.
func ListJSON(w io.Writer, targets []*graph.Target) error {
	type item struct {
		Name     string            `json:"name"`
		Image    string            `json:"image"`
		Folder   string            `json:"folder"`
		Tier     string            `json:"tier"`
		Flavour  string            `json:"flavour"`
		Kind     string            `json:"kind"` // dockerfile or packages
		Platform string            `json:"platform"`
		Matrix   map[string]string `json:"matrix,omitempty"`
		StandsOn []string          `json:"stands_on"`
		Ports    []string          `json:"ports"`              // exposed: 8080/tcp
		Internal bool              `json:"internal,omitempty"` // others need it, it is not for users
		Version  string            `json:"version,omitempty"`
		Title    string            `json:"title,omitempty"`
		Owners   []string          `json:"owners,omitempty"`
	}
	items := make([]item, 0, len(targets))
	for _, t := range targets {
		kind := "dockerfile"
		if t.Packages != nil {
			kind = "packages"
		}
		items = append(items, item{t.Name, t.Image.Name, t.Image.Dir, t.Image.Tier, t.Flavour, kind,
			t.Platform.String(), t.Values, standsOn(t), append([]string{}, t.Ports...), t.Internal, t.Version, t.Title, t.Image.Owners})
	}
	return encode(w, items)
}
