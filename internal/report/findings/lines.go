package findings

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/report/rulepage"
	"github.com/plinth-build/plinth/internal/report/text"
)

// hadolint is one line a finding, as hadolint prints them.
func hadolint(w io.Writer, r Report) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(w, "%s:%d %s %s: %s\n", f.File, f.Line, f.Rule.Code, f.Severity, text.Visible(message(f))); err != nil {
			return err
		}
	}
	return nil
}

// github is workflow commands, which become annotations:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func github(w io.Writer, r Report) error {
	commands := map[lint.Severity]string{lint.Error: "error", lint.Warning: "warning", lint.Info: "notice", lint.Style: "notice"}
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range r.Findings {
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,endLine=%d,col=%d,title=%s::%s\n", commands[f.Severity],
			property.Replace(f.File), f.Line, max(f.EndLine, f.Line), f.Column, property.Replace(f.Rule.Code), data.Replace(message(f)))
		if err != nil {
			return err
		}
	}
	return nil
}

// markdownLimit is how many bytes the rows of a table may have. GitHub refuses comments of more than 65,536
// characters, GitLab those of more than a million.
const markdownLimit = 60_000

// markdown is a table for a comment in a pull request. Of more findings than fit, the worst are shown.
func markdown(w io.Writer, r Report) error {
	var b bytes.Buffer
	rows, left := fitting(r.Findings, markdownLimit)
	if len(r.Findings) == 0 {
		b.WriteString("plinth lint found nothing.\n")
	} else {
		b.WriteString("| place | severity | rule | what |\n|---|---|---|---|\n" + strings.Join(rows, ""))
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s more, none of them worse, left out to keep this short enough for a comment.\n", plural(left, "finding"))
	}
	if len(r.Findings) > 0 {
		fmt.Fprintf(&b, "\n%s\n", text.Markdown(r.totals()))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// fitting gives a row for each finding, as far as limit goes, in the order of the findings, and how many are left out.
func fitting(list []*lint.Finding, limit int) (rows []string, left int) {
	worst := make([]int, len(list))
	for i := range list {
		worst[i] = i
		rows = append(rows, markdownRow(list[i]))
	}
	slices.SortStableFunc(worst, func(a, b int) int { return cmp.Compare(list[b].Severity, list[a].Severity) })
	size := 0
	for n, i := range worst {
		if size += len(rows[i]); size > limit {
			for _, out := range worst[n:] {
				rows[out] = ""
			}
			return rows, len(worst) - n
		}
	}
	return rows, 0
}

func markdownRow(f *lint.Finding) string {
	rule := text.Markdown(f.Rule.Code)
	if url := rulepage.URL(f.Rule); url != "" {
		rule = "[" + rule + "](" + url + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", text.Code(fmt.Sprintf("%s:%d", f.File, f.Line)), f.Severity, rule, text.Markdown(text.Visible(message(f))))
}

// checkstyle is the XML of Checkstyle: https://checkstyle.org
func checkstyle(w io.Writer, r Report) error {
	type problem struct {
		Line     int    `xml:"line,attr"`
		Column   int    `xml:"column,attr"`
		Severity string `xml:"severity,attr"`
		Message  string `xml:"message,attr"`
		Source   string `xml:"source,attr"`
	}
	type file struct {
		Name     string    `xml:"name,attr"`
		Problems []problem `xml:"error"`
	}
	out := struct {
		XMLName xml.Name `xml:"checkstyle"`
		Version string   `xml:"version,attr"`
		Files   []file   `xml:"file"`
	}{Version: "4.3"}
	words := map[lint.Severity]string{lint.Error: "error", lint.Warning: "warning", lint.Info: "info", lint.Style: "info"}
	for _, f := range r.Findings {
		if n := len(out.Files); n == 0 || out.Files[n-1].Name != f.File {
			out.Files = append(out.Files, file{Name: f.File})
		}
		last := &out.Files[len(out.Files)-1]
		last.Problems = append(last.Problems, problem{f.Line, f.Column, words[f.Severity], message(f), "plinth." + f.Rule.Code})
	}
	return encodeXML(w, out)
}

// junit is a suite of tests in which each finding is one that failed.
func junit(w io.Writer, r Report) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	type test struct {
		Name      string   `xml:"name,attr"`
		ClassName string   `xml:"classname,attr"`
		File      string   `xml:"file,attr,omitempty"`
		Line      int      `xml:"line,attr,omitempty"`
		Failure   *failure `xml:"failure,omitempty"`
	}
	out := struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Cases    []test   `xml:"testcase"`
	}{Name: "plinth lint", Tests: max(len(r.Findings), 1), Failures: len(r.Findings)}
	for _, f := range r.Findings {
		out.Cases = append(out.Cases, test{
			Name: fmt.Sprintf("%s:%d:%d %s", f.File, f.Line, f.Column, f.Rule.Code), ClassName: f.File, File: f.File, Line: f.Line,
			Failure: &failure{message(f), f.Severity.String(), fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Severity, message(f))},
		})
	}
	if len(r.Findings) == 0 {
		out.Cases = []test{{Name: "nothing found", ClassName: "plinth"}}
	}
	return encodeXML(w, out)
}

func encodeXML(w io.Writer, v any) error {
	data, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte(xml.Header), data...), '\n'))
	return err
}
