package findings

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/report/rulepage"
)

// jsonFinding is one finding of the form json. The first eight keys are always there.
type jsonFinding struct {
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Column    int      `json:"column"`
	EndLine   int      `json:"endLine"`
	EndColumn int      `json:"endColumn"`
	Rule      string   `json:"rule"`
	Severity  string   `json:"severity"`
	Message   string   `json:"message"`
	Targets   []string `json:"targets,omitempty"`
	Fix       *jsonFix `json:"fix,omitempty"`
}

// jsonFix is how it is mended. Offsets are in bytes.
type jsonFix struct {
	Title string     `json:"title"`
	Edits []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Text string `json:"text"`
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func jsonList(w io.Writer, r Report) error {
	out := []jsonFinding{}
	for _, f := range r.Findings {
		j := jsonFinding{f.File, f.Line, f.Column, f.EndLine, f.EndCol, f.Rule.Code, f.Severity.String(), f.Message, f.Targets, nil}
		if f.Fix != nil {
			j.Fix = &jsonFix{Title: f.Fix.Title}
			for _, e := range f.Fix.Edits {
				j.Fix.Edits = append(j.Fix.Edits, jsonEdit{e.From, e.To, e.Text})
			}
		}
		out = append(out, j)
	}
	return encode(w, out)
}

// codeClimate is GitLab's report of code quality:
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func codeClimate(w io.Writer, r Report) error {
	type lines struct {
		Begin int `json:"begin"`
		End   int `json:"end"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Type        string   `json:"type"`
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	words := map[lint.Severity]string{lint.Error: "critical", lint.Warning: "major", lint.Info: "minor", lint.Style: "info"}
	out := []issue{}
	for i, k := range lint.Keys(r.Findings, r.source) {
		f := r.Findings[i]
		out = append(out, issue{
			"issue", message(f), f.Rule.Code, k.Hash(), words[f.Severity], location{f.File, lines{f.Line, max(f.EndLine, f.Line)}},
		})
	}
	return encode(w, out)
}

// source is the content of a file, empty where it is not known.
func (r Report) source(file string) []byte {
	if r.Source == nil {
		return nil
	}
	return r.Source(file)
}

// sarif is the Static Analysis Results Interchange Format 2.1.0:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func sarif(w io.Writer, r Report) error {
	type object = map[string]any
	levels := map[lint.Severity]string{lint.Error: "error", lint.Warning: "warning", lint.Info: "note", lint.Style: "note"}
	index := map[*lint.Rule]int{}
	rules, results := []object{}, []object{}
	for i, k := range lint.Keys(r.Findings, r.source) {
		f := r.Findings[i]
		n, known := index[f.Rule]
		if !known {
			n = len(rules)
			index[f.Rule] = n
			rule := object{
				"id": f.Rule.Code, "shortDescription": object{"text": f.Rule.Title}, "fullDescription": object{"text": or(f.Rule.Why, f.Rule.Title)},
				"defaultConfiguration": object{"level": levels[f.Rule.Severity]},
				"help":                 object{"text": or(f.Rule.Why, f.Rule.Title), "markdown": string(rulepage.Markdown(f.Rule, rulepage.Fixable(f.Rule)))},
			}
			if url := rulepage.URL(f.Rule); url != "" {
				rule["helpUri"] = url
			}
			rules = append(rules, rule)
		}
		file := location(f.File)
		result := object{
			"ruleId": f.Rule.Code, "ruleIndex": n, "level": levels[f.Severity], "message": object{"text": message(f)},
			"locations":           []object{{"physicalLocation": object{"artifactLocation": file, "region": r.region(f)}}},
			"partialFingerprints": object{"plinth/v1": k.Hash()},
		}
		if f.Fix != nil {
			var replacements []object
			for _, e := range f.Fix.Edits {
				replacements = append(replacements, object{
					"deletedRegion": object{"byteOffset": e.From, "byteLength": e.To - e.From}, "insertedContent": object{"text": e.Text},
				})
			}
			result["fixes"] = []object{{
				"description":     object{"text": f.Fix.Title},
				"artifactChanges": []object{{"artifactLocation": file, "replacements": replacements}},
			}}
		}
		results = append(results, result)
	}
	return encode(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": "plinth", "version": r.Version, "informationUri": "https://github.com/plinth-build/plinth", "rules": rules}},
			"columnKind": "unicodeCodePoints", "results": results,
		}},
	})
}

// location is where a file is: below the root of the sources, or anywhere.
func location(file string) map[string]any {
	if strings.HasPrefix(file, "/") {
		return map[string]any{"uri": "file://" + uri(file)}
	}
	return map[string]any{"uri": uri(file), "uriBaseId": "%SRCROOT%"}
}

// region is a finding's place, with columns in characters.
func (r Report) region(f *lint.Finding) map[string]any {
	out := map[string]any{"startLine": max(f.Line, 1), "startColumn": r.character(f.File, f.Line, f.Column)}
	if f.EndLine >= f.Line && (f.EndLine > f.Line || f.EndCol > f.Column) {
		out["endLine"], out["endColumn"] = f.EndLine, r.character(f.File, f.EndLine, f.EndCol)
	}
	return out
}

// character is the number of the character, from 1, that a column in bytes is.
func (r Report) character(file string, line, column int) int {
	text := lineOf(r.source(file), line)
	if column-1 > len(text) || column < 1 {
		return max(column, 1)
	}
	return len([]rune(text[:column-1])) + 1
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// uri is a path as a relative URI.
func uri(path string) string {
	out := ""
	for i := range len(path) {
		c := path[i]
		if c == '/' || c == '.' || c == '-' || c == '_' || c == '~' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			out += string(c)
			continue
		}
		out += fmt.Sprintf("%%%02X", c)
	}
	return out
}
