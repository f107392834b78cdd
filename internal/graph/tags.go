package graph

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
)

// tagPattern is a tag in the OCI distribution specification, 1.1.0.
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// TagData is what templates of tags hold besides what the catalog says.
type TagData struct {
	Date        string // of the last commit: 20061231
	Commit      string // the last commit that touched the target, shortened; "" if there is none
	BuildNumber string // "" if the user gave none
}

// ExpandTags fills in the target's tags, each once. A tag that comes out empty
// or is no tag is an error, with ExitUsage when a flag would mend it.
func (t *Target) ExpandTags(d TagData) ([]string, error) {
	var problems diag.List
	x := expander{data: maps.Clone(t.Values), problems: &problems}
	if x.data == nil {
		x.data = map[string]string{}
	}
	maps.Copy(x.data, map[string]string{
		"Name": t.Name, "Image": t.Image.Name, "Flavour": strings.ReplaceAll(t.Flavour, "+", "-"),
		"Version": t.Version, "Date": d.Date, "Commit": d.Commit, "BuildNumber": d.BuildNumber,
	})
	pos := t.TagsPos
	var out []string
	for _, text := range t.Tags {
		before := problems.Len()
		tag := x.text(text, pos)
		switch missing := x.gaps(text, tag, pos); {
		case problems.Len() > before:
		case len(missing) > 0:
			e := diag.Errorf(pos, "cannot tag %s: %q has nothing to put in for {{.%s}}", t.Name, text, strings.Join(missing, "}}, {{."))
			for _, name := range missing {
				e.Hint("%s", tagHints[name])
			}
			problems.Add(e)
		case !tagPattern.MatchString(tag):
			problems.Add(diag.Errorf(pos, "cannot tag %s: %q makes %q, which is no tag", t.Name, text, tag).
				Hint("tags have letters, digits, _, . and -, and begin with none of the last two"))
		case !slices.Contains(out, tag):
			out = append(out, tag)
		}
	}
	return out, problems.Err()
}

// tagHints say how to come by a value that a tag lacks.
var tagHints = map[string]string{
	"Version":     "give the image a version: in image.yaml",
	"Commit":      "commit the image's folder",
	"BuildNumber": "give it with --build-number",
}

// gaps are the values that are put into the text as they are although they are
// empty, sorted: 1.2- would pass for a tag. A template that asks first whether
// there is one, with {{if}} or {{with}}, has no gap.
func (x expander) gaps(text, expanded string, pos diag.Position) []string {
	const mark = "\x00"
	var out []string
	for _, name := range slices.Sorted(maps.Keys(tagHints)) {
		if x.data[name] != "" {
			continue
		}
		x.data[name] = mark
		if with := x.text(text, pos); strings.Contains(with, mark) && strings.ReplaceAll(with, mark, "") == expanded {
			out = append(out, name)
		}
		x.data[name] = ""
	}
	return out
}
