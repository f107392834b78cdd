package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// Loops in loops and functions that call each other twice must not take time without bounds.
func TestFlowEnds(t *testing.T) {
	var functions strings.Builder
	for i := range 40 {
		fmt.Fprintf(&functions, "f%d() { a%d=$b; f%d; f%d; }; ", i, i, i+1, i+1)
	}
	for name, script := range map[string]string{
		"loops":     strings.Repeat("while a; do b=$c; ", 40) + "d $b" + strings.Repeat("; done", 40),
		"functions": functions.String() + "f0; echo $b",
		"itself":    "f() { a=$b; f; f; }; a=x; f; echo $a",
	} {
		start := time.Now()
		d := lint.NewDoc(syntax.Parse("Dockerfile", []byte("FROM debian:12\nRUN "+script)), nil, nil, nil)
		if got := sc2086.Findings(d); len(got) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

// FuzzShell gives any script to all rules of the family, and applies their fixes.
func FuzzShell(f *testing.F) {
	for _, s := range []string{"cd /a; rm *", "a=`b`; c $a > $d", "for i in $(ls); do read x; done", "if [ ! -z $a ]; then export b=$(c); fi", "<<EOF\nfind -name *.x | xargs a\nEOF",
		"echo -e \"a\\n\" 'b$c' && set -e; ! d; e", "f() { local a=(b); echo ${a[@]} ${c:1} ${d/e/f} $'g' <(h); }", "[[ a == b ]] && [ $? -eq 0 ] || c &> d", "a=b; while ((a++)); do source $a; done", "<<0(0000000000 0\n ",
		"((a; b) | c) && d $((e; f) | g)", "export $a; local -i b=$(c); unset d; exec $@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		data := []byte("FROM debian:12\nRUN " + script)
		d := lint.NewDoc(syntax.Parse("Dockerfile", data), nil, nil, nil)
		for _, r := range shell {
			findings := lint.Sort(r.Findings(d))
			for _, x := range findings {
				if x.Span.From < 0 || x.Span.To < x.Span.From || x.Span.To > len(data) || strings.Contains(x.Message, "%!") {
					t.Fatalf("%s: %+v", r.Code, x)
				}
			}
			lint.Fixed(data, findings)
		}
	})
}
