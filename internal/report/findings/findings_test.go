package findings

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/baseline"
	"github.com/plinth-build/plinth/internal/lint/waiver"
)

var update = flag.Bool("update", false, "write the expected outputs anew")

const source = "FROM debian:12\r\n\tRUN echo 'ä|b' && sudo ls\r\nENV A=<b>&\"c\" \\\r\n  B=d\r\nRUN " + "echo a long line which goes on and on and on and on and on and on and on and on && sudo x && echo it goes on behind that\r\n"

// finds reports a word at each place, with a fix for sudo.
func finds(rule *lint.Rule, word, message string) []*lint.Finding {
	r := *rule
	r.Check = func(p *lint.Pass) {
		text := string(p.File.Data)
		for at := 0; ; at++ {
			i := strings.Index(text[at:], word)
			if i < 0 {
				return
			}
			at += i
			f := p.Report(lint.Span{From: at, To: at + len(word)}, "%s", message)
			if word == "sudo " {
				f.WithFix("leave sudo out", lint.Edit{Span: f.Span})
			}
		}
	}
	out := r.Findings(lint.NewDoc(syntax.Parse("a b/Dockerfile,x", []byte(source)), nil, nil, nil))
	for _, f := range out {
		f.Rule = rule
	}
	return out
}

// sample is a report with what could go wrong in one of the forms.
func sample() Report {
	sudo := &lint.Rule{
		Code: "DL3004", Title: "sudo is used", Severity: lint.Error, Family: lint.Hadolint, Profiles: lint.Recommended, Since: "0.1.0",
		Why: "A RUN step is `root` already. More of it.", Bad: "FROM a\nRUN sudo x", Good: "FROM a\nRUN x", Source: "https://example.com/DL3004",
	}
	odd := &lint.Rule{Code: "ACME1", Title: "odd", Severity: lint.Info, Family: lint.Custom}
	r := Report{
		Files: 2, Version: "1.2.3", Source: func(string) []byte { return []byte(source) },
		Findings: append(finds(sudo, "sudo ", "sudo is used"), finds(odd, "A=<b>&\"c\" \\\r\n  B=d", "a\nline, 100% <odd> & \"so\" | on: `it` \x1b[31m")...),
		Accepted: 3, Stale: []baseline.Entry{{File: "old", Rule: "DL1", Count: 1}},
	}
	r.Findings = append(r.Findings, &lint.Finding{Rule: odd, Severity: lint.Style, File: "z", Line: 1, Column: 1, EndLine: 1, EndCol: 1, Message: "in some", Targets: []string{"a", "b", "c", "d"}})
	r.Findings = lint.Sort(r.Findings)
	r.Waived = []waiver.Waived{{Finding: r.Findings[0], Waiver: waiver.Waiver{Reason: "it is old", Owner: "me", Expires: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}}}
	return r
}

func written(t *testing.T, name string, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, name, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestForms(t *testing.T) {
	for _, name := range Names() {
		for kind, r := range map[string]Report{"full": sample(), "none": {Files: 1, Version: "1.2.3"}} {
			file := filepath.Join("testdata", name+"-"+kind)
			got := written(t, name, r)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%s: %v, got\n%s", file, err, got)
			}
		}
	}
	if err := Write(io.Discard, "xml", Report{}); err == nil {
		t.Error("there is a form xml")
	}
}

func TestJSONFormsAreJSON(t *testing.T) {
	for _, name := range []string{"json", "sarif", "gitlab-codeclimate"} {
		var v any
		if err := json.Unmarshal([]byte(written(t, name, sample())), &v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := written(t, "json", Report{}); got != "[]\n" {
		t.Errorf("no findings are %q", got)
	}
}

func TestXMLFormsAreXML(t *testing.T) {
	for _, name := range []string{"junit", "checkstyle"} {
		d := xml.NewDecoder(strings.NewReader(written(t, name, sample())))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestFingerprints checks that a finding keeps its fingerprint when lines above it come.
func TestFingerprints(t *testing.T) {
	prints := func(r Report) (out []string) {
		var issues []struct{ Fingerprint string }
		if err := json.Unmarshal([]byte(written(t, "gitlab-codeclimate", r)), &issues); err != nil {
			t.Fatal(err)
		}
		for _, i := range issues {
			out = append(out, i.Fingerprint)
		}
		return out
	}
	before, moved := sample(), sample()
	moved.Source = func(string) []byte { return []byte("# new\n" + source) }
	for _, f := range moved.Findings {
		f.Line++
	}
	was := prints(before)
	if !slices.Equal(prints(moved), was) {
		t.Error("fingerprints move with lines")
	}
	slices.Sort(was)
	if len(slices.Compact(was)) != len(before.Findings) {
		t.Error("two findings have one fingerprint")
	}
}

func TestPrettyFitsTheTerminal(t *testing.T) {
	for _, width := range []int{40, 60, 80, 200} {
		r := sample()
		r.Width = width
		for line := range strings.Lines(written(t, "pretty", r)) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > width && strings.Count(strings.TrimSpace(line), " ") > 2 {
				t.Errorf("%d columns in %d: %q", n, width, line)
			}
			if strings.ContainsAny(line, "\x1b\r\t") {
				t.Errorf("control characters in %q", line)
			}
		}
	}
	r := sample()
	r.Colour = true
	if got := written(t, "pretty", r); !strings.Contains(got, "\x1b[31merror\x1b[0m") {
		t.Error("no colours")
	}
}

// TestMarkdownFitsAComment checks that of too many findings the worst stay, and all that fit.
func TestMarkdownFitsAComment(t *testing.T) {
	bad, fine := &lint.Rule{Code: "BAD", Family: lint.Custom}, &lint.Rule{Code: "FINE", Family: lint.Custom}
	var r Report
	for i := range 3000 {
		f := &lint.Finding{Rule: fine, Severity: lint.Style, File: "a", Line: i + 1, Message: "some words that say what is wrong"}
		if i%100 == 99 {
			f.Rule, f.Severity = bad, lint.Error
		}
		r.Findings = append(r.Findings, f)
	}
	got := written(t, "markdown", r)
	if len(got) > 61_000 || len(got) < 59_000 || strings.Count(got, "| BAD |") != 30 {
		t.Errorf("%d bytes, %d of 30 errors", len(got), strings.Count(got, "| BAD |"))
	}
	left := 3000 - strings.Count(got, "| BAD |") - strings.Count(got, "| FINE |")
	if !strings.Contains(got, fmt.Sprintf("\n\n%d findings more, none of them worse, left out", left)) || !strings.Contains(got, "\n\n3000 findings in") {
		t.Errorf("%d are left out, and it ends with %q", left, got[len(got)-200:])
	}
	if at := strings.Index(got, "`a:1`"); at < 0 || at > strings.Index(got, "`a:100`") {
		t.Error("they are not in their order")
	}
}

// TestSarifSaysWhereFilesAre checks that only a relative path is one below the root of the sources.
func TestSarifSaysWhereFilesAre(t *testing.T) {
	for file, want := range map[string]string{
		"a b/Dockerfile": `{"uri":"a%20b/Dockerfile","uriBaseId":"%SRCROOT%"}`,
		"../Dockerfile":  `{"uri":"../Dockerfile","uriBaseId":"%SRCROOT%"}`,
		"/a b/x:y":       `{"uri":"file:///a%20b/x%3Ay"}`,
	} {
		if got, err := json.Marshal(location(file)); err != nil || string(got) != want {
			t.Errorf("%s is at %s, %v; want %s", file, got, err, want)
		}
	}
}
